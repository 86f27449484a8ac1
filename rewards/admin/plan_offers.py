"""Offers of plans: drafted, put on sale by a colleague. It stands on this floor because partners' rights do."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from common.admin import confirm, tags, words
from common.admin.base import HistoryAdmin, actor, refuse
from common.admin.money import MoneyField
from common.admin.preview import PreviewMixin
from common.admin.seen import SeenForm, agreed, whole
from common.models import Look
from common.problems import Problem
from members.models import Member, PlanDiscount, PlanOffer
from members.services import plan_offers, plan_refunds
from members.services.plan_refunds import Use
from rewards.models import Code, PlanRight
from rewards.selectors import plans, savings

Status = PlanOffer.Status
_DAYS = (0, 3, 30, 100, 200)


def _is_draft(offer) -> bool:
    """Whether it can still be edited: a new one, or a draft."""
    return offer is None or offer.status == Status.DRAFT


class DiscountForm(forms.ModelForm):
    amount = MoneyField(label=_("less by"))

    class Meta:
        model = PlanDiscount
        fields = ["kind", "above", "channel", "amount", "starts_at", "ends_at"]


class DiscountInline(TabularInline):
    model = PlanDiscount
    form = DiscountForm
    extra = 0
    hide_title = True
    readonly_fields = ["amount_words"]
    verbose_name_plural = _("Discounts: the largest that fits counts")

    def get_fields(self, request, obj=None):
        editable = _is_draft(obj) and self.has_change_permission(request, obj)
        amount = "amount" if editable else "amount_words"
        return ["kind", "above", "channel", amount, "starts_at", "ends_at"]

    @admin.display(description=_("less by"))
    def amount_words(self, discount):
        return words.money(discount.amount)


class RightForm(forms.ModelForm):
    price = MoneyField(label=_("contract price"), help_text=_("Deducted from a refund of the plan once it is claimed."))

    class Meta:
        model = PlanRight
        fields = ["reward", "way", "price"]


class RightInline(TabularInline):
    model = PlanRight
    form = RightForm
    extra = 0
    hide_title = True
    readonly_fields = ["price_words"]
    verbose_name = _("partner's right")
    verbose_name_plural = _("Joint card: partners' rights that come with each term")

    def get_fields(self, request, obj=None):
        editable = _is_draft(obj) and self.has_change_permission(request, obj)
        return ["reward", "way", "price" if editable else "price_words"]

    @admin.display(description=_("contract price"))
    def price_words(self, right):
        return words.money(right.price)


class OfferForm(forms.ModelForm):
    """A draft; money is typed as money."""

    fee = MoneyField(label=_("fee"))

    class Meta:
        model = PlanOffer
        fields = [
            "plan", "code", "name", "term_days", "fee", "trial_days", "refunds", "refund_days", "ahead_days", "most_a_year",
            "least_credit", "least_score", "needs_real_name", "renews", "notice_days",
            "starts_at", "ends_at",
        ]  # fmt: skip

    def clean(self):
        data = super().clean()
        if data.get("starts_at") and data.get("ends_at") and data["ends_at"] <= data["starts_at"]:
            self.add_error("ends_at", gettext("The end comes after the start."))
        return data


class MemberForm(forms.Form):
    member = forms.CharField(
        label=_("member"), max_length=100, widget=UnfoldAdminTextInputWidget(), help_text=_("The external id.")
    )

    def clean_member(self):
        member = Member.objects.filter(external_id=self.cleaned_data["member"]).first()
        if member is None:
            raise forms.ValidationError(gettext("There is no such member."))
        return member


@admin.register(PlanOffer)
class PlanOfferAdmin(PreviewMixin, HistoryAdmin):
    """What is sold of a plan. Drafts are edited; a colleague puts them on sale; from then on they never change."""

    empty = _("Nothing is sold yet. Make a plan, then an offer of it.")
    form = OfferForm
    inlines = [DiscountInline, RightInline]
    preview_template = "members/offer_preview.html"
    list_display = ["name", "plan", "fee_words", "term", "state", "sold", "starts_at", "ends_at"]
    list_filter = ["status", "plan"]
    list_select_related = ["plan"]
    search_fields = ["name", "code", "plan__name"]
    search_help_text = _("A name or a code of the offer, or the plan's name.")
    actions_detail = ["activate", "retire", "try_on"]
    fieldsets = [
        (None, {"fields": [("plan", "code"), "name", ("fee", "term_days"), ("starts_at", "ends_at")]}),
        (_("Who may buy it"), {"fields": [("least_credit", "least_score"), ("needs_real_name", "most_a_year")]}),
        (_("Trial and renewal"), {"fields": [("trial_days", "ahead_days"), ("renews", "notice_days")]}),
        (_("Paying back"), {"fields": [("refunds", "refund_days")]}),
    ]

    readonly_fields = ["fee_words"]

    def get_changeform_initial_data(self, request):
        return {"starts_at": timezone.now(), **super().get_changeform_initial_data(request)}

    def get_fieldsets(self, request, obj=None):
        (title, first), *rest = self.fieldsets
        if self.has_change_permission(request, obj):
            return self.fieldsets
        shown = [("fee_words", "term_days") if row == ("fee", "term_days") else row for row in first["fields"]]
        return [(title, {"fields": shown}), *rest]

    def get_queryset(self, request):
        paid = Q(purchases__status="paid") & ~Q(purchases__kind="trial")
        rows = super().get_queryset(request).annotate(sold_total=Count("purchases", filter=paid))
        return rows.prefetch_related("discounts__channel")

    def has_change_permission(self, request, obj=None):
        """Only drafts can be changed: what was sold keeps its terms."""
        return _is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return obj is not None and obj.status == Status.DRAFT and super().has_delete_permission(request, obj)

    def has_activate_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("members.activate_planoffer") and self._has_status(object_id, Status.DRAFT)

    def has_retire_permission(self, request: HttpRequest, object_id=None) -> bool:
        may = request.user.has_perm("members.activate_planoffer") or request.user.has_perm("members.change_planoffer")
        return may and self._has_status(object_id, Status.ACTIVE)

    def _has_status(self, object_id, status) -> bool:
        return PlanOffer.objects.filter(pk=object_id, status=status).exists()

    @admin.display(description=_("fee"), ordering="fee")
    def fee_words(self, offer):
        return words.money(offer.fee)

    @admin.display(description=_("term"), ordering="term_days")
    def term(self, offer):
        return gettext("%d days") % offer.term_days

    @admin.display(description=_("sold"), ordering="sold_total")
    def sold(self, offer):
        return words.number(offer.sold_total)

    @tags.tagged(_("state"), {Status.ACTIVE: tags.GOOD, Status.DRAFT: tags.WAITING})
    def state(self, offer):
        return offer.status, offer.get_status_display()

    def preview(self, obj, inlines):
        """What members pay, what comes with it, and what they get back."""
        discounts = [row for row in inlines or [] if isinstance(row, PlanDiscount)]
        rights = [row for row in inlines or [] if isinstance(row, PlanRight) and row.reward_id]
        if inlines is None:
            discounts, rights = list(obj.discounts.all()), list(obj.rights.select_related("reward"))
        fee, term, saved = obj.fee or 0, obj.term_days or 1, (obj.fee or 0) // 5
        claimed = sum(right.price or 0 for right in rights)
        uses = [Use(), Use(True, saved)] + ([Use(True, 0, claimed)] if rights else [])
        return {
            "offer": obj,
            "fee": words.money(fee),
            "prices": [(_whom(one), words.money(max(fee - (one.amount or 0), 0))) for one in discounts],
            "rights": [(right.reward, words.money(right.price)) for right in rights],
            "refunds": [(day, [words.money(_back(obj, fee, term, day, use)) for use in uses]) for day in _DAYS],
            "saved": words.money(saved),
        }

    def save_model(self, request, obj, form, change):
        """Whoever touched a draft last is its author: another person puts it on sale."""
        obj.created_by = request.user
        super().save_model(request, obj, form, change)

    @action(description=_("Put on sale"), icon="play_circle", permissions=["activate"], url_path="activate")
    def activate(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say what will happen, then let the service put the draft on sale."""
        offer = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method == "POST":
            with transaction.atomic():
                draft = agreed(request, offer, _mark)
                if draft is not None:
                    return self._activate(request, draft)
            offer = self.get_queryset(request).get(pk=object_id)
        return confirm.page(
            self,
            request,
            offer,
            title=gettext("Put “%s” on sale?") % offer,
            says=[gettext("From then on it never changes: what is sold keeps its terms. It can be retired any time.")],
            facts=self._facts(offer),
            form=SeenForm(initial={"seen": _mark(offer)}),
            submit=gettext("Put on sale"),
        )

    def _activate(self, request: HttpRequest, offer: PlanOffer) -> HttpResponse:
        try:
            plan_offers.activate(offer, actor(request), timezone.now())
            messages.success(request, gettext("“%s” is on sale.") % offer)
        except Problem as problem:
            refuse(request, problem)
        return redirect("admin:members_planoffer_change", offer.pk)

    @action(description=_("Try on a member"), icon="person_search", permissions=["view"], url_path="try")
    def try_on(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """What this member would pay for the offer now, why she may not buy it, and what it would save her."""
        offer = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = MemberForm(request.POST or None)
        facts: list[tuple[Any, Any]] = []
        if request.method == "POST" and form.is_valid():
            member = form.cleaned_data["member"]
            self.note_look(request, Look.Kind.PAGE, subject=member.external_id)
            facts = list(_trial(member, offer, timezone.now()))
        return confirm.page(
            self,
            request,
            offer,
            title=gettext("Try “%s” on a member") % offer,
            says=[gettext("Nothing is sold: this is what the member's app shows.")],
            facts=facts,
            submit=gettext("Show"),
            form=form,
        )

    @action(description=_("Retire"), icon="block", permissions=["retire"], url_path="retire")
    def retire(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say what will happen, then sell it no more."""
        offer = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method != "POST":
            return confirm.page(
                self,
                request,
                offer,
                title=gettext("Retire “%s”?") % offer,
                says=[gettext("Nobody can buy it any more, and it renews no more. Terms that were sold run on.")],
                submit=gettext("Retire"),
            )
        plan_offers.retire(offer, actor(request), timezone.now())
        messages.success(request, gettext("“%s” is no longer sold.") % offer)
        return redirect("admin:members_planoffer_change", object_id)

    def _facts(self, offer):
        yield gettext("Fee"), words.money(offer.fee)
        for discount in offer.discounts.all():
            yield _whom(discount), words.money(offer.fee - discount.amount)
        yield gettext("Term"), gettext("%d days") % offer.term_days
        for right in offer.rights.select_related("reward"):
            yield gettext("Comes with it"), f"{right.reward}: {words.money(right.price)}"
            if right.way == PlanRight.Way.CODE:
                pool = right.reward.code_set.filter(status=Code.Status.FREE).count()
                yield gettext("Codes in its pool"), words.number(pool)
        yield gettext("Refund"), offer.get_refunds_display()
        yield gettext("On sale from"), words.instant(offer.starts_at)
        yield gettext("Written by"), offer.created_by or "–"


def _trial(member, offer, at):
    """The offer as the member sees it, in words."""
    estimate = savings.estimate(member, offer.plan, at)
    (row,) = plans.offer_rows(member, [offer], estimate, at)
    yield gettext("Pays"), words.money(row.price.price) + (f" ({row.because})" if row.because else "")
    yield gettext("May buy it"), " ".join(reason["detail"] for reason in row.reasons) or gettext("yes")
    if row.estimate is None:
        says = gettext("Nothing is claimed: %d orders in twelve months, three are needed.") % estimate.orders
        yield gettext("Would have saved"), says
        return
    yield gettext("Based on"), gettext("%d orders of the last twelve months") % estimate.orders
    parts = {
        "total": words.money(estimate.total),
        "prices": words.money(estimate.prices),
        "freight": words.money(estimate.freight),
        "points": words.money(estimate.points),
    }
    yield (
        gettext("Would have saved"),
        gettext("%(total)s in a year: prices %(prices)s, freight %(freight)s, points %(points)s") % parts,
    )
    yield gettext("In its term, after the price"), words.money(row.net)
    spend = row.break_even
    yield gettext("Pays from a spend of"), words.money(spend) if spend is not None else gettext("It never does.")


def _back(offer, fee, term, day, use):
    return plan_refunds.amount(offer.refunds, fee, term, day, use, refund_days=offer.refund_days)


def _whom(discount):
    """For whom a discount is, in words."""
    if discount.kind == PlanDiscount.Kind.SCORE and discount.above is not None:
        return gettext("With a value score above %s") % words.number(discount.above)
    if discount.kind == PlanDiscount.Kind.CHANNEL and discount.channel_id:
        return gettext("Through %s") % discount.channel
    return gettext("For everybody, for a time")


def _mark(offer: PlanOffer) -> str:
    return whole(offer, *offer.discounts.order_by("pk"), *offer.rights.order_by("pk"))
