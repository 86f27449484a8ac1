"""What sponsors have paid: the list, and the pages that write a payment down or withdraw one."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export import resources
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSingleDateWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from common import clock
from common.admin import confirm, tags, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.admin.files import ExportAdminMixin
from common.admin.money import MoneyField
from common.problems import Problem
from merchants.admin import purse_words
from merchants.models import Merchant
from rewards.admin import sponsor_words
from rewards.models import SponsorPayment
from rewards.selectors import sponsor_payments as dues
from rewards.selectors.sponsor_payments import Due
from rewards.services import sponsor_payments


class PaymentForm(forms.Form):
    """How much of what is open was paid, when, and what the bank calls it."""

    amount = MoneyField(label=_("amount paid"), min_value=None)
    paid_on = forms.DateField(label=_("paid on"), widget=UnfoldAdminSingleDateWidget)
    reference = forms.CharField(
        label=_("payment reference"),
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("By which both sides find the payment at the bank. The sponsor reads it."),
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("reason"), max_length=300, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


class PaymentResource(resources.ModelResource):
    class Meta:
        model = SponsorPayment
        fields = ("merchant__code", "month", "amount", "paid_on", "reference", "reason", "at", "actor_label")


@admin.register(SponsorPayment)
class SponsorPaymentAdmin(ExportAdminMixin, ReadOnlyAdmin):
    """Payments for sponsors' statements, as operators told them."""

    empty = _("No payment yet. It is recorded on the page Sponsors, when a month is over.")
    resource_classes = [PaymentResource]
    list_display = ["paid_on", "merchant", "month_words", "money", "reference", "state_label", "actor_label"]
    list_filter = ["merchant"]
    list_select_related = ["merchant", "withdraws", "withdrawal"]
    search_fields = ["reference", "merchant__name", "=merchant__code"]
    search_help_text = _("A payment reference, or a sponsor's name or code.")
    date_hierarchy = "paid_on"
    fields = [
        "merchant", "month_words", "money", "paid_on", "reference", "state_label", "reason", "at", "actor_label",
    ]  # fmt: skip
    readonly_fields = ["month_words", "money", "state_label"]
    actions_detail = ["withdraw"]

    def get_urls(self):
        view = self.admin_site.admin_view(self.record_view)
        return [path("record/<slug:code>/", view, name="rewards_sponsorpayment_record"), *super().get_urls()]

    @admin.display(description=_("for the month"), ordering="month")
    def month_words(self, payment):
        return sponsor_words.month(payment.month)

    @admin.display(description=_("amount paid"), ordering="amount")
    def money(self, payment):
        return words.money(payment.amount)

    @tags.tagged(_("state"), {"paid": tags.GOOD, "gone": tags.BAD, "back": tags.NEWS})
    def state_label(self, payment):
        if payment.withdraws_id:
            return "back", gettext("Withdraws a payment")
        return ("gone", gettext("Withdrawn")) if _is_withdrawn(payment) else ("paid", gettext("Paid"))

    # What it does -------------------------------------------------------------------------------------------

    def record_view(self, request: HttpRequest, code: str) -> HttpResponse:
        """Show what a sponsor owes for a month, and write down what it has paid."""
        if not may_record(request):
            raise PermissionDenied
        merchant = get_object_or_404(Merchant, code=code)
        now = timezone.now()
        month = purse_words.month_of(request, clock.month_start(clock.local_date(now)))
        due = next(iter(dues.of_month(month, [merchant.pk])), Due(merchant, 0, 0, 0))
        form = PaymentForm(request.POST or None, initial={"amount": due.open, "paid_on": clock.local_date(now)})
        if request.method == "POST" and form.is_valid():
            try:
                sponsor_payments.record(merchant, month, actor=actor(request), at=now, **form.cleaned_data)
                messages.success(request, gettext("The payment is recorded; the sponsor sees it with its statement."))
            except Problem as problem:
                refuse(request, problem)
            else:
                return redirect(_sponsors(month))
        facts = [
            (gettext("Owed for rewards"), words.money(due.rewards)),
            (gettext("Owed for benefits"), words.money(due.benefits)),
            (gettext("Paid so far"), words.money(due.paid)),
            (gettext("Unpaid"), words.money(due.open)),
        ]
        says = [
            gettext("Write down what has been paid; no money is moved here. Amounts below nothing go to the sponsor.")
        ]
        return confirm.page(
            self,
            request,
            None,
            title=gettext("Payment of %(sponsor)s for %(month)s")
            % {"sponsor": merchant, "month": sponsor_words.month(month)},
            says=says if due.open else [gettext("Nothing is unpaid for this month.")],
            facts=facts,
            form=form if due.open else None,
            submit=gettext("Record the payment") if due.open else "",
            back=_sponsors(month),
        )

    def has_withdraw_permission(self, request: HttpRequest, object_id=None) -> bool:
        standing = SponsorPayment.objects.filter(pk=object_id, withdraws=None, withdrawal=None)
        return may_record(request) and standing.exists()

    @action(description=_("Withdraw"), icon="undo", permissions=["withdraw"])
    def withdraw(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Undo what was recorded by mistake, after asking why."""
        payment = get_object_or_404(SponsorPayment.objects.select_related("merchant"), pk=object_id)
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                sponsor_payments.withdraw(payment, actor=actor(request), at=timezone.now(), **form.cleaned_data)
                messages.success(request, gettext("The payment is withdrawn; its amount is unpaid again."))
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:rewards_sponsorpayment_change", payment.pk)
        return confirm.page(
            self,
            request,
            payment,
            title=gettext("Withdraw this payment?"),
            says=[gettext("For what was recorded by mistake. Both rows stay; its amount is unpaid again.")],
            facts=[
                (gettext("Sponsor"), payment.merchant),
                (gettext("Month"), sponsor_words.month(payment.month)),
                (gettext("Amount paid"), words.money(payment.amount)),
                (gettext("Payment reference"), payment.reference),
            ],
            form=form,
            submit=gettext("Withdraw"),
        )


def may_record(request: HttpRequest) -> bool:
    """Whether the person writes payments of sponsors down."""
    return request.user.has_perm("rewards.record_sponsorpayment")


def record_link(due: Due, month: dt.date) -> str:
    """Where a payment of the sponsor for the month is written down."""
    address = reverse("admin:rewards_sponsorpayment_record", args=[due.merchant.code])
    return f"{address}?month={month:%Y-%m}"


def _sponsors(month: dt.date) -> str:
    return reverse("admin:rewards_reward_sponsors") + f"?month={month:%Y-%m}"


def _is_withdrawn(payment: SponsorPayment) -> bool:
    return hasattr(payment, "withdrawal")
