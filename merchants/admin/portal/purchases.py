"""The merchant's own purchases of points: their state, submitting, cancelling."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.admin import confirm, words
from common.admin.base import actor, refuse
from common.admin.files import ExportAdminMixin
from common.problems import Problem
from merchants.admin.purchases import PurchaseResource, PurchaseWords, facts
from merchants.admin.site import site
from merchants.models import Deed, PointPurchase, PurchaseStep
from merchants.services import purchases

from .base import PortalReadOnlyAdmin, PortalReadOnlyInline, may

Status = PointPurchase.Status


class StepInline(PortalReadOnlyInline):
    model = PurchaseStep
    fields = readonly_fields = ["at", "step", "by", "points", "money_words", "note_words"]
    verbose_name_plural = _("history")

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    @admin.display(description=_("by"))
    def by(self, step):
        """The platform's people are the platform here."""
        own = step.step in (PurchaseStep.Step.DRAFTED, PurchaseStep.Step.SUBMITTED, PurchaseStep.Step.CANCELLED)
        return step.actor_label if own else gettext("the platform's finance")

    @admin.display(description=_("money"))
    def money_words(self, step):
        return words.money(step.money) if step.money else "–"

    @admin.display(description=_("note"))
    def note_words(self, step):
        return step.note or "–"


@admin.register(PointPurchase, site=site)
class PointPurchaseAdmin(PurchaseWords, ExportAdminMixin, PortalReadOnlyAdmin):
    """Drafts, what waits for payment, what was credited."""

    empty = _("You have not bought points yet. Buy some on the page of your purse.")
    list_display = ["drafted_at", "state", "how_many", "to_pay", "pack_name", "paid_back"]
    list_filter = ["status"]
    list_select_related = ["pack", "merchant"]
    search_fields = ["bank_reference", "=uuid"]
    search_help_text = _("A bank reference or a purchase's number.")
    date_hierarchy = "drafted_at"
    fields = readonly_fields = [
        "state", "how_many", "to_pay", "fee_words", "pack_name", "validity", "bank_reference", "drafted_at",
        "credited_at", "paid_back", "uuid",
    ]  # fmt: skip
    inlines = [StepInline]
    actions_list = ["buy_points"]
    actions_detail = ["submit", "cancel"]

    def get_export_resource_classes(self, request):
        return [PurchaseResource]

    @action(description=_("Buy points"), icon="add_shopping_cart", permissions=["buy"])
    def buy_points(self, request: HttpRequest) -> HttpResponse:
        return redirect(reverse("merchant:merchants_purse_buy"))

    def has_submit_permission(self, request: HttpRequest, object_id=None) -> bool:
        return self._ready(request, object_id, [Status.DRAFT])

    def has_cancel_permission(self, request: HttpRequest, object_id=None) -> bool:
        return self._ready(request, object_id, [Status.DRAFT, Status.SUBMITTED])

    def _ready(self, request: HttpRequest, object_id, states: list[str]) -> bool:
        purchase = self.get_object(request, object_id) if may(request, Deed.BUY) else None
        return purchase is not None and purchase.status in states

    @action(description=_("Submit"), icon="send", permissions=["submit"])
    def submit(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The merchant means it."""
        says = [
            gettext("Submitted, it is not changed any more. Pay by bank transfer."),
            gettext("The points are in your purse as soon as the marketplace's finance has approved the payment."),
        ]
        return self._ask(request, object_id, purchases.submit, gettext("Submit the purchase?"), says, gettext("Submit"))

    @action(description=_("Cancel"), icon="cancel", permissions=["cancel"])
    def cancel(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Nobody has paid."""
        says = [gettext("Do not pay for it any more. You can buy again at any time.")]
        return self._ask(
            request, object_id, purchases.cancel, gettext("Cancel the purchase?"), says, gettext("Cancel the purchase")
        )

    def _ask(self, request, object_id, verb, title, says, submit):
        purchase = self.get_object(request, object_id)
        if purchase is None:
            raise Http404
        if request.method == "POST":
            try:
                verb(purchase, actor=actor(request), at=timezone.now())
                messages.success(request, gettext("Done."))
            except Problem as problem:
                refuse(request, problem)
            return redirect("merchant:merchants_pointpurchase_change", object_id)
        return confirm.page(self, request, purchase, title=title, says=says, facts=facts(purchase)[1:], submit=submit)
