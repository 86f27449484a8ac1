"""Points that merchants buy: finance approves the payment, and the purse is credited."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field
from import_export.resources import ModelResource
from unfold.decorators import action
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from common.admin import confirm, tags, words
from common.admin.base import ReadOnlyAdmin, ReadOnlyInline, actor, refuse
from common.admin.files import ExportAdminMixin
from common.problems import Problem
from merchants.admin.purse_words import STATUS_COLOURS, worth
from merchants.models import PointPurchase, PurchaseStep
from merchants.services import purchases

Status = PointPurchase.Status


class PaymentForm(forms.Form):
    bank_reference = forms.CharField(
        label=_("bank reference"),
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Under which the bank booked the payment. The purchase and the audit log keep it."),
    )


class RefundForm(PaymentForm):
    points = forms.IntegerField(label=_("points"), min_value=1, widget=UnfoldAdminIntegerFieldWidget)
    field_order = ["points", "bank_reference"]


class CancelForm(forms.Form):
    reason = forms.CharField(label=_("reason"), max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


class StepInline(ReadOnlyInline):
    model = PurchaseStep
    fields = ["at", "step", "actor_label", "points", "money_words", "note"]
    readonly_fields = ["money_words"]
    verbose_name_plural = _("history")

    @admin.display(description=_("money"))
    def money_words(self, step):
        return words.money(step.money) if step.money else "–"


class PurchaseResource(ModelResource):
    merchant = Field("merchant__code", "merchant")

    class Meta:
        model = PointPurchase
        name = _("purchases of points")
        fields = (
            "uuid", "merchant", "status", "points", "price", "fee", "bank_reference", "refunded_points", "refunded_money",
            "drafted_at", "credited_at",
        )  # fmt: skip


class PurchaseWords:
    """Columns and facts of a purchase, the same on both sites."""

    @tags.tagged(_("status"), STATUS_COLOURS)
    def state(self, purchase):
        return purchase.status, purchase.get_status_display()

    @admin.display(description=_("points"), ordering="points")
    def how_many(self, purchase):
        return words.number(purchase.points)

    @admin.display(description=_("to pay"))
    def to_pay(self, purchase):
        return words.money(purchase.total)

    @admin.display(description=_("of it fee"))
    def fee_words(self, purchase):
        return words.money(purchase.fee)

    @admin.display(description=_("good for"))
    def validity(self, purchase):
        return gettext("%d days") % purchase.validity_days if purchase.validity_days else gettext("ever")

    @admin.display(description=_("paid back"))
    def paid_back(self, purchase):
        if not purchase.refunded_points:
            return "–"
        return f"{words.number(purchase.refunded_points)} ({words.money(purchase.refunded_money)})"

    @admin.display(description=_("pack of points"))
    def pack_name(self, purchase):
        return purchase.pack.name if purchase.pack else gettext("any number")


def facts(purchase: PointPurchase) -> list[tuple]:
    """What a purchase is, for pages that ask."""
    return [
        (gettext("Merchant"), purchase.merchant.name),
        (gettext("Points"), f"{words.number(purchase.points)} ({worth(purchase.points)})"),
        (gettext("To pay"), words.money(purchase.total)),
        (gettext("Of it fee"), words.money(purchase.fee)),
    ]


@admin.register(PointPurchase)
class PointPurchaseAdmin(PurchaseWords, ExportAdminMixin, ReadOnlyAdmin):
    """Every purchase, with who did what and when."""

    empty = _("No merchant has bought points yet. It is done at the merchants' site, on the page of the purse.")
    list_display = ["drafted_at", "merchant", "state", "how_many", "to_pay", "pack_name", "bank_reference", "paid_back"]
    list_filter = ["status", ("merchant", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["merchant", "pack"]
    search_fields = ["merchant__name", "merchant__code", "bank_reference", "=uuid"]
    search_help_text = _("A merchant, a bank reference, or a purchase's number.")
    date_hierarchy = "drafted_at"
    fields = [
        "merchant", "state", "how_many", "to_pay", "fee_words", "pack_name", "validity", "bank_reference", "drafted_at",
        "credited_at", "paid_back", "uuid",
    ]  # fmt: skip
    readonly_fields = ["state", "how_many", "to_pay", "fee_words", "pack_name", "validity", "paid_back"]
    inlines = [StepInline]
    actions_detail = ["approve", "cancel", "refund"]

    def get_export_resource_classes(self, request):
        return [PurchaseResource]

    def has_approve_permission(self, request: HttpRequest, object_id=None) -> bool:
        return self._may(request, object_id, Status.SUBMITTED)

    def has_cancel_permission(self, request: HttpRequest, object_id=None) -> bool:
        return self._may(request, object_id, Status.SUBMITTED)

    def has_refund_permission(self, request: HttpRequest, object_id=None) -> bool:
        return self._may(request, object_id, Status.CREDITED)

    def _may(self, request: HttpRequest, object_id, status: str) -> bool:
        """Finance only, and only what the purchase is ready for."""
        if not request.user.has_perm("merchants.approve_pointpurchase"):
            return False
        purchase = self.get_object(request, object_id)
        return purchase is not None and purchase.status == status

    @action(description=_("Approve payment"), icon="price_check", permissions=["approve"])
    def approve(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The money has come: credit the points."""
        says = [
            gettext("The points are credited to the merchant's purse at once, and the merchant is told."),
            gettext("A credited purchase is not cancelled: only points that were not given can be paid back."),
        ]

        def deed(purchase, data):
            purchases.approve(purchase, bank_reference=data["bank_reference"], actor=actor(request), at=timezone.now())

        return self._ask(request, object_id, PaymentForm, deed, gettext("Has the money come?"), says, gettext("Credit"))

    @action(description=_("Cancel"), icon="cancel", permissions=["cancel"])
    def cancel(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """No money has come."""
        says = [gettext("Nothing is credited. The merchant can draft another purchase.")]

        def deed(purchase, data):
            purchases.cancel(purchase, reason=data["reason"], actor=actor(request), at=timezone.now())

        return self._ask(
            request, object_id, CancelForm, deed, gettext("Cancel the purchase?"), says, gettext("Cancel the purchase")
        )

    @action(description=_("Pay back"), icon="undo", permissions=["refund"])
    def refund(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Take points that were not given out of the purse, by a further movement."""
        purchase = get_object_or_404(PointPurchase, pk=object_id)
        left = purchases.refundable(purchase)
        says = [
            gettext(
                "%(points)s of its points lie in the purse, worth %(money)s of the price. The fee is not paid back."
            )
            % {"points": words.number(left), "money": words.money(purchases.worth(purchase, left))}
        ]

        def deed(purchase, data):
            purchases.refund(
                purchase, data["points"], bank_reference=data["bank_reference"], actor=actor(request), at=timezone.now()
            )

        return self._ask(request, object_id, RefundForm, deed, gettext("Pay back?"), says, gettext("Pay back"))

    def _ask(self, request, object_id, form_class, deed, title, says, submit):
        purchase = get_object_or_404(PointPurchase.objects.select_related("merchant"), pk=object_id)
        form = form_class(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                deed(purchase, form.cleaned_data)
                messages.success(request, gettext("Done."))
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:merchants_pointpurchase_change", object_id)
        return confirm.page(
            self, request, purchase, title=title, says=says, facts=facts(purchase), form=form, submit=submit
        )
