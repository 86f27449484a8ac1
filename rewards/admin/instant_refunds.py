from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.admin import confirm, jobs, tags, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.problems import Problem
from rewards.admin import reward_words
from rewards.models import InstantRefund
from rewards.services import instant_refunds

jobs.register(instant_refunds.JOB, _("Instant refunds are recovered"), instant_refunds.recover)


@admin.register(InstantRefund)
class InstantRefundAdmin(ReadOnlyAdmin):
    """Money that is out before the goods are back, and what became of it."""

    empty = _("No instant refund yet. The shop asks for them through the API.")
    list_display = ["opened_at", "member_link", "order_code", "amount_label", "limit_label", "due", "state_label"]
    list_filter = ["status"]
    list_select_related = ["member"]
    search_fields = ["=member__external_id", "=order_code", "=uuid"]
    search_help_text = _("A member's external id, or an order.")
    date_hierarchy = "opened_at"
    fields = [
        "member_link", "order_code", "amount_label", "limit_label", "state_label", "opened_at", "due", "closed_at",
        "recovered",
    ]  # fmt: skip
    readonly_fields = ["member_link", "amount_label", "limit_label", "due", "state_label", "recovered"]
    actions_detail = ["settle"]

    @admin.display(description=_("member"), ordering="member")
    def member_link(self, refund):
        return words.link(refund.member)

    @admin.display(description=_("amount"), ordering="amount")
    def amount_label(self, refund):
        return words.money(refund.amount)

    @admin.display(description=_("limit then"), ordering="limit")
    def limit_label(self, refund):
        return words.money(refund.limit)

    @admin.display(description=_("goods back by"), ordering="due_at")
    def due(self, refund):
        return reward_words.until(refund.due_at)

    @admin.display(description=_("recovered"))
    def recovered(self, refund):
        if refund.status != InstantRefund.Status.RECOVERED:
            return "–"
        numbers = {"taken": words.number(refund.points_taken), "owed": words.number(refund.points_owed)}
        return gettext("%(taken)s points taken, %(owed)s points owed") % numbers

    @tags.tagged(_("state"), {"open": tags.WAITING, "late": tags.BAD, "received": tags.GOOD, "recovered": tags.BAD})
    def state_label(self, refund):
        if refund.status == InstantRefund.Status.OPEN and refund.due_at <= timezone.now():
            return "late", gettext("The goods are late")
        return refund.status, refund.get_status_display()

    def has_settle_permission(self, request: HttpRequest, object_id=None) -> bool:
        may = request.user.has_perm("rewards.settle_instantrefund")
        return may and InstantRefund.objects.filter(pk=object_id, status=InstantRefund.Status.OPEN).exists()

    @action(description=_("The goods are here"), icon="inventory", permissions=["settle"])
    def settle(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Close the advance."""
        refund = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method == "POST":
            try:
                instant_refunds.settle(refund.member, refund.uuid, timezone.now(), actor=actor(request))
                messages.success(request, gettext("The advance is closed."))
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:rewards_instantrefund_change", object_id)
        says = [gettext("The money is out no more, and nothing will be recovered from the member.")]
        facts = [
            (gettext("Member"), self.member_link(refund)),
            (gettext("Order"), refund.order_code),
            (gettext("Amount"), words.money(refund.amount)),
        ]
        return confirm.page(
            self, request, refund, title=gettext("Are the goods here?"), says=says, facts=facts, submit=gettext("Yes")
        )
