"""Purchases of plans: looked at, and paid back as the offer's policy says. It stands on this floor because what was used does."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from common import clock
from common.admin import confirm, panels, tags, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.admin.filters import whether
from common.problems import Problem
from members.models import AutoRenewal, Member, Plan, PlanPurchase
from members.selectors import plan_revenue, plan_terms
from members.services.plan_refunds import due
from rewards.selectors import plan_rights, plans, savings
from rewards.services import plan_refunds

Status = PlanPurchase.Status


class RefundForm(forms.Form):
    reason = forms.CharField(
        label=_("reason"), max_length=200, widget=UnfoldAdminTextInputWidget(), help_text=_("The audit log keeps it.")
    )


@admin.register(PlanPurchase)
class PlanPurchaseAdmin(ReadOnlyAdmin):
    """Who bought which plan, through which channel, and what became of it."""

    empty = _("Nobody has bought a plan yet.")
    list_display = ["member", "offer", "kind", "channel", "price_words", "state", "paid_at", "term"]
    list_select_related = ["member", "offer", "channel", "subscription"]
    list_filter = ["status", "kind", "channel", "offer"]
    search_fields = ["=member__external_id", "member__name", "=payment", "=voucher__code"]
    search_help_text = _("A member's external id or name, a payment, or a code.")
    date_hierarchy = "asked_at"
    actions_detail = ["refund"]
    fieldsets = [
        (None, {"fields": [("member", "offer"), ("kind", "channel"), ("state", "price_words"), ("payment", "term")]}),
        (_("Worth"), {"fields": ["saved_words", "revenue_words", "rights_words"]}),
        (_("Paid back"), {"fields": [("refund_words", "refunded_at"), "refund_reason"]}),
    ]
    readonly_fields = ["state", "price_words", "term", "saved_words", "revenue_words", "rights_words", "refund_words"]

    def get_queryset(self, request):
        return (
            super().get_queryset(request).select_related("offer__plan", "subscription", "member", "channel", "voucher")
        )

    def has_refund_permission(self, request: HttpRequest, object_id=None) -> bool:
        may = request.user.has_perm("members.refund_planpurchase")
        paid = PlanPurchase.objects.filter(pk=object_id, status=Status.PAID).exclude(kind=PlanPurchase.Kind.TRIAL)
        return may and paid.exists()

    @tags.tagged(_("state"), {Status.PAID: tags.GOOD, Status.AWAITED: tags.WAITING, Status.REFUNDED: tags.NEWS})
    def state(self, purchase):
        return purchase.status, purchase.get_status_display()

    @admin.display(description=_("price"), ordering="price")
    def price_words(self, purchase):
        return words.money(purchase.price)

    @admin.display(description=_("term"))
    def term(self, purchase):
        term = purchase.subscription
        return f"{words.day(term.starts_at)} – {words.day(words.last_day(term.ends_at))}" if term else "–"

    @admin.display(description=_("saved with it"))
    def saved_words(self, purchase):
        """The meter, with what it is made of."""
        if purchase.subscription is None:
            return "–"
        meter = savings.saved(purchase, timezone.now())
        if not meter.orders and not meter.total:
            return gettext("Nothing yet: no order was completed in this term.")
        values = {
            "total": words.money(meter.total),
            "prices": words.money(meter.prices),
            "points": words.money(meter.points),
            "benefits": words.money(meter.benefits),
            "orders": meter.orders,
        }
        return (
            gettext("%(total)s on %(orders)d orders: prices %(prices)s, points %(points)s, other benefits %(benefits)s")
            % values
        )

    @admin.display(description=_("revenue"))
    def revenue_words(self, purchase):
        revenue = plan_revenue.of(purchase, clock.local_date(timezone.now()))
        values = {"earned": words.money(revenue.earned), "deferred": words.money(revenue.deferred)}
        return gettext("%(earned)s earned, %(deferred)s still to be earned") % values

    @admin.display(description=_("partners' rights"))
    def rights_words(self, purchase):
        """What comes with it, and whether it was claimed."""
        rows = plan_rights.of([purchase], timezone.now())
        lines = ((_right(row), row.state.label) for row in rows)
        return format_html_join(SafeString("<br>"), "{}: {}", lines) or "–"

    @admin.display(description=_("paid back"))
    def refund_words(self, purchase):
        return words.money(purchase.refund) if purchase.refunded_at else "–"

    @action(description=_("Pay back"), icon="undo", permissions=["refund"], url_path="refund")
    def refund(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say what the policy gives and from what it is reckoned, then let the service do it."""
        purchase = get_object_or_404(self.get_queryset(request), pk=object_id)
        now = timezone.now()
        use = savings.use_of(purchase, now)
        back = due(purchase, use, now)
        form = RefundForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                reason = form.cleaned_data["reason"]
                done = plan_refunds.refund(purchase.uuid, reason=reason, actor=actor(request), at=now)
                messages.success(request, gettext("%s is to be paid back.") % words.money(done.refund))
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:members_planpurchase_change", object_id)
        to = gettext("to the member") if purchase.channel.payee == "member" else gettext("to the channel")
        return confirm.page(
            self,
            request,
            purchase,
            title=gettext("Pay back the plan?"),
            says=[
                gettext("The term ends now, later ones move forward, and it renews no more."),
                gettext("The shop pays %(amount)s back, %(to)s.") % {"amount": words.money(back), "to": to},
            ],
            facts=[
                (gettext("Price"), words.money(purchase.price)),
                (gettext("Policy"), purchase.offer.get_refunds_display()),
                (gettext("Used"), gettext("yes") if use.used else gettext("no")),
                (gettext("Saved with it"), words.money(use.value)),
                (gettext("Partners' rights that were claimed"), words.money(use.claimed)),
                (gettext("To be paid back"), words.money(back)),
            ],
            submit=gettext("Pay back"),
            form=form,
        )


def _right(row):
    """A right by its reward's name; a claim leads to its page."""
    name = str(row.right.reward)
    return words.link(row.claim, name) if row.claim else name


@admin.register(AutoRenewal)
class AutoRenewalAdmin(ReadOnlyAdmin):
    """Who agreed that a plan renews by itself, and which notices were given."""

    empty = _("Nobody has agreed to a renewal yet.")
    list_display = ["member", "offer", "given_at", "noticed_for", "ended_at"]
    list_select_related = ["member", "offer"]
    list_filter = ["offer", whether("ended_at", _("Ended"), _("In force"))]
    search_fields = ["=member__external_id", "member__name"]


def _panel(member: Member, request: HttpRequest) -> dict:
    """What the member bought of plans, what it saved, and whether it renews."""
    now = timezone.now()
    rows = plan_terms.bought_by(member).select_related("offer__plan", "subscription", "channel", "member")
    running = next(
        (
            row
            for row in rows
            if row.status == Status.PAID and row.subscription.starts_at <= now < row.subscription.ends_at
        ),
        None,
    )
    bought = [row.subscription_id for row in rows if row.subscription_id]
    terms = (
        member.subscriptions.filter(starts_at__lte=now, ends_at__gt=now).exclude(pk__in=bought).select_related("plan")
    )
    return {
        "terms": [{"plan": term.plan, "until": words.day(words.last_day(term.ends_at))} for term in terms],
        "purchases": [
            {
                "offer": row.offer,
                "link": words.link(row, str(row.offer)),
                "channel": row.channel,
                "price": words.money(row.price),
                "state": row.get_status_display(),
                "from": words.day(row.subscription.starts_at) if row.subscription else "–",
                "until": words.day(words.last_day(row.subscription.ends_at)) if row.subscription else "–",
            }
            for row in rows
        ],
        "meter": words.money(savings.saved(running, now).total) if running else None,
        "estimates": [] if running or terms else list(_estimates(member, now)),
        "rights": [
            {
                "name": _right(row),
                "state": row.state.label,
                "until": row.claim_until or (row.claim and row.claim.expires_at),
            }
            for row in plan_rights.of_member(member, now)
        ],
        "renewal": AutoRenewal.objects.filter(member=member, ended_at=None).select_related("offer").first(),
    }


def _estimates(member, at):
    """For who has no plan: what each on sale would have saved, as the app shows it; nothing below three orders."""
    for plan in Plan.objects.filter(offers__in=plans.on_sale(at)).distinct():
        estimate = savings.estimate(member, plan, at)
        if estimate.is_claimed:
            yield {"plan": plan, "total": words.money(estimate.total), "orders": estimate.orders}


panels.register_panel(
    "members.Member",
    panels.Panel("plans", _("Paid plans"), "members/plans_panel.html", _panel, "members.view_planpurchase", order=70),
)
