"""Points given or taken by a person: from the member's page, with a reason, after seeing balance before and after."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from common import clock
from common.admin import confirm, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.models import Look
from common.problems import Conflict, Problem
from loyalty.admin import holders
from loyalty.admin.accounts import HolderMixin
from loyalty.models import Account, Adjustment, Wallet
from loyalty.services import adjustments, rescue, wallets
from members.models import Member

SMALL = 1000
"""What support may give or take at once; more is for finance."""


def _seen(account: Account, data: dict) -> str:
    """What the person saw before confirming: a changed form or balance, or a second click, shows it again."""
    return f"{account.version}:{data['points']}:{data['category']}:{data['expires_on']}"


_CATEGORIES = [choice for choice in Adjustment.Category.choices if choice[0] != Adjustment.Category.REVERSAL]


def limit(request: HttpRequest) -> int | None:
    """How many points this person may move at once: 0 = none, None = no limit."""
    if request.user.has_perm("loyalty.post_adjustment"):
        return None
    return SMALL if request.user.has_perm("loyalty.post_small_adjustment") else 0


class AdjustForm(forms.Form):
    """How many points, and why."""

    points = forms.IntegerField(
        label=_("points"),
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("Negative takes points away. For a write-off: how much debt to forgive."),
    )
    category = forms.ChoiceField(label=_("category"), choices=_CATEGORIES, widget=UnfoldAdminSelectWidget)
    reason = forms.CharField(
        label=_("reason"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("The member's statement and the audit log keep it."),
    )
    expires_on = forms.DateField(
        label=_("good until the end of"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text=_("Empty: as the programme says."),
    )

    def __init__(self, *args, most: int | None, rescuable: int, today: dt.date, **kwargs):
        self.most, self.today = most, today
        super().__init__(*args, **kwargs)
        if rescuable:
            self.fields["category"].help_text = gettext(
                "%s points expired lately and can be rescued; they are good for the rescue window again."
            ) % words.number(rescuable)
        else:
            self.fields["category"].choices = [c for c in _CATEGORIES if c[0] != Adjustment.Category.RESCUE]
        if most is not None:
            self.fields["points"].help_text = gettext(
                "Negative takes points away. You may move at most %s at once."
            ) % words.number(most)

    def clean_points(self):
        points = self.cleaned_data["points"]
        if points == 0:
            raise forms.ValidationError(gettext("Nought points change nothing."))
        if abs(points) > adjustments.MOST:
            raise forms.ValidationError(gettext("At most %s points.") % words.number(adjustments.MOST))
        if self.most is not None and abs(points) > self.most:
            raise forms.ValidationError(
                gettext("You may move at most %s points at once. Ask finance for more.") % words.number(self.most)
            )
        return points

    def clean_expires_on(self):
        day = self.cleaned_data["expires_on"]
        if day and day < self.today:
            raise forms.ValidationError(gettext("This day is over."))
        return day


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("reason"), max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


@admin.register(Adjustment)
class AdjustmentAdmin(HolderMixin, ReadOnlyAdmin):
    """Every adjustment, with who, why and what was put right again."""

    empty = _("Nobody has adjusted points yet. It is done from a member's page.")
    list_display = ["at", "holder", "change", "category", "reason", "actor_label", "undone"]
    list_filter = ["category"]
    list_select_related = [*holders.ACCOUNT, "reversed_by"]
    search_fields = [*holders.SEARCH, "reason", "actor_label", "=uuid"]
    search_help_text = _("A member's external id, a person, or words of the reason.")
    date_hierarchy = "at"
    fields = ["holder", "change", "category", "reason", "expires_at", "actor_label", "at", "reverses_link", "undone"]
    readonly_fields = ["holder", "change", "reverses_link", "undone"]
    actions_detail = ["reverse"]

    def get_urls(self):
        view = self.admin_site.admin_view(self.adjust_view)
        return [path("for/<int:member_id>/", view, name="loyalty_adjustment_post"), *super().get_urls()]

    @admin.display(description=_("change"), ordering="points")
    def change(self, adjustment):
        colour = "lp-plus" if adjustment.points > 0 else "lp-minus"
        return format_html('<span class="{}">{}</span>', colour, words.signed(adjustment.points))

    @admin.display(description=_("reverses"))
    def reverses_link(self, adjustment):
        return words.link(adjustment.reverses)

    @admin.display(description=_("reversed"))
    def undone(self, adjustment):
        return words.link(getattr(adjustment, "reversed_by", None), gettext("yes"))

    def adjust_view(self, request: HttpRequest, member_id: int) -> HttpResponse:
        """Two steps: fill in, see the balance before and after, confirm. Only the second one moves points."""
        most = limit(request)
        if most == 0:
            raise PermissionDenied
        member = get_object_or_404(Member, pk=member_id)
        with transaction.atomic():
            wallet = wallets.of(member)
        self.note_look(request, Look.Kind.PAGE, subject=member.external_id)
        now = timezone.now()
        form = AdjustForm(
            request.POST or None,
            most=most,
            rescuable=rescue.rescuable(wallet.account, now),
            today=clock.local_date(now),
            initial={"category": "goodwill"},
        )
        sure = request.method == "POST" and form.is_valid()
        seen = _seen(wallet.account, form.cleaned_data) if sure else ""
        if sure and request.POST.get("yes") == seen and self._post(request, wallet, form.cleaned_data, now):
            return redirect("admin:members_member_change", member_id)
        context = self._before_and_after(wallet, form.cleaned_data) | {"seen": seen} if sure else {}
        return confirm.page(
            self,
            request,
            None,
            title=gettext("Adjust points of %s") % wallet.member,
            form=form,
            template="loyalty/adjust.html",
            submit=gettext("Go on"),
            wallet=wallet,
            **context,
            cancel=reverse("admin:members_member_change", args=[member_id]),
        )

    def _before_and_after(self, wallet: Wallet, data: dict) -> dict:
        account, points = wallet.account, data["points"]
        if data["category"] == Adjustment.Category.WRITE_OFF:
            return {
                "sure": True,
                "name": gettext("Debt"),
                "before": words.number(account.owed),
                "after": words.number(account.owed - points),
            }
        repaid = min(account.owed, points) if points > 0 else 0
        after = account.available + points - repaid
        return {
            "sure": after >= 0,
            "short": after < 0,
            "name": gettext("Available points"),
            "before": words.number(account.available),
            "after": words.number(after),
            "repaid": words.number(repaid) if repaid else "",
        }

    def _move(self, request: HttpRequest, account: Account, data: dict, now: dt.datetime) -> None:
        why = {"reason": data["reason"], "actor": actor(request), "at": now}
        if data["category"] == Adjustment.Category.RESCUE:
            rescue.give_back(account, data["points"], **why)
            return
        until = clock.day_end(data["expires_on"]) if data["expires_on"] else None
        adjustments.post(account, data["points"], category=data["category"], expires_at=until, **why)

    def _post(self, request: HttpRequest, wallet: Wallet, data: dict, now: dt.datetime) -> bool:
        try:
            with transaction.atomic():
                account = Account.objects.select_for_update().get(pk=wallet.account_id)
                if account.version != wallet.account.version:
                    raise Conflict(gettext("The balance has changed meanwhile. Look again."))
                self._move(request, account, data, now)
        except Problem as problem:
            refuse(request, problem)
            return False
        messages.success(
            request,
            gettext("%(points)s points for %(member)s.")
            % {"points": words.signed(data["points"]), "member": wallet.member},
        )
        return True

    def has_reverse_permission(self, request: HttpRequest, object_id=None) -> bool:
        """Whoever may adjust without limit, for what was not reversed and is no reversal."""
        if not request.user.has_perm("loyalty.post_adjustment"):
            return False
        unfit = [Adjustment.Category.REVERSAL, Adjustment.Category.WRITE_OFF]
        return Adjustment.objects.filter(pk=object_id, reversed_by=None).exclude(category__in=unfit).exists()

    @action(description=_("Reverse"), icon="undo", permissions=["reverse"])
    def reverse(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Undo an adjustment by its opposite, with a reason."""
        adjustment = get_object_or_404(Adjustment.objects.select_related("account__wallet__member"), pk=object_id)
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    adjustments.reverse(
                        adjustment, reason=form.cleaned_data["reason"], actor=actor(request), at=timezone.now()
                    )
                messages.success(request, gettext("The adjustment is reversed."))
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:loyalty_adjustment_change", object_id)
        facts = [
            (gettext("Holder"), holders.name(adjustment.account)),
            (gettext("Adjusted"), words.signed(adjustment.points)),
            (gettext("The reversal moves"), words.signed(-adjustment.points)),
        ]
        says = [gettext("The adjustment stays in the ledger; a further one takes it back and names it.")]
        return confirm.page(
            self,
            request,
            adjustment,
            title=gettext("Reverse?"),
            says=says,
            facts=facts,
            form=form,
            submit=gettext("Reverse"),
        )
