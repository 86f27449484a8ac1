"""What members took: looked at, with its history; packed, sent and given back by buttons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Case, Model, OuterRef, Subquery, Value, When
from django.db.models.functions import Substr
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export import resources
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from common.admin import confirm, panels, tags, words
from common.admin.base import ReadOnlyAdmin, ReadOnlyInline, actor, refuse
from common.admin.files import ExportAdminMixin
from common.problems import Problem
from loyalty.models import Segment, Tier
from members.models import Member, Plan
from rewards.admin import reward_words
from rewards.models import Redemption, RedemptionEvent, Reward
from rewards.selectors import catalogue
from rewards.services import fulfilment, redemptions
from rewards.services.redemption_states import TRANSITIONS

Status = Redemption.Status
COLOURS: dict[str, str] = {
    Status.HELD: tags.WAITING,
    Status.PLACED: tags.NEWS,
    Status.FULFILLING: tags.NEWS,
    Status.SHIPPED: tags.NEWS,
    Status.DELIVERED: tags.GOOD,
    Status.USED: tags.GOOD,
    Status.EXPIRED: tags.BAD,
    Status.CANCELLED: tags.BAD,
    Status.RETURNED: tags.BAD,
}
_SHOWN = 20


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("reason"),
        max_length=300,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("The history and the audit log keep it."),
    )


class TrackingForm(forms.Form):
    tracking = forms.CharField(
        label=_("parcel number"), max_length=100, required=False, widget=UnfoldAdminTextInputWidget()
    )


class EventInline(ReadOnlyInline):
    model = RedemptionEvent
    verbose_name_plural = _("History")
    fields = ["at", "before", "after", "actor_label", "why"]
    readonly_fields = ["why"]
    ordering = ["id"]

    @admin.display(description=_("reason"))
    def why(self, event):
        return event.why or "–"


class RedemptionResource(resources.ModelResource):
    class Meta:
        model = Redemption
        fields = (
            "uuid", "member__external_id", "reward__code", "status", "points", "cash", "basis", "unit_cost",
            "merchant__code", "merchant_cost", "restored", "created_at", "expires_at", "tracking", "order_code",
        )  # fmt: skip


@admin.register(Redemption)
class RedemptionAdmin(ExportAdminMixin, ReadOnlyAdmin):
    """Every redemption with its steps. Buttons lead on from where it stands; a service does each of them."""

    resource_classes = [RedemptionResource]
    empty = _("Nobody has taken a reward yet.")
    list_display = ["created_at", "who", "what", "status_label", "paid", "for_whom", "sponsored", "good_until"]
    list_filter = ["status", "reward__kind", "reward", "merchant"]
    list_select_related = ["member", "reward", "merchant"]
    search_fields = ["=member__external_id", "=uuid", "=tracking", "=payment", "reward__name"]
    search_help_text = _("A member's external id, a redemption, a parcel or payment number, or a reward's name.")
    date_hierarchy = "created_at"
    inlines = [EventInline]
    fieldsets = [
        (None, {"fields": [("what", "status_label"), ("who", "created_at"), ("tracking", "good_until")]}),
        (
            _("What it cost"),
            {
                "fields": [
                    ("paid", "for_whom"),
                    ("cost", "sponsored"),
                    ("restored", "payment"),
                    "order_code",
                    ("code_link", "hold_until"),
                ]
            },
        ),
    ]
    readonly_fields = [
        "what", "status_label", "who", "paid", "for_whom", "cost", "sponsored", "code_link", "hold_until",
        "good_until",
    ]  # fmt: skip
    actions_detail = ["fulfil", "ship", "deliver", "use", "cancel", "give_back"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("hold", "code").annotate(price_for=_named())

    @admin.display(description=_("member"), ordering="member__external_id")
    def who(self, redemption):
        return words.link(redemption.member)

    @admin.display(description=_("reward"), ordering="reward__name")
    def what(self, redemption):
        return reward_words.badge(redemption.reward)

    @tags.tagged(_("status"), COLOURS)
    def status_label(self, redemption):
        return redemption.status, redemption.get_status_display()

    @admin.display(description=_("paid"), ordering="points")
    def paid(self, redemption):
        return _paid(redemption)

    @admin.display(description=_("price for"))
    def for_whom(self, redemption):
        kind, _colon, code = redemption.basis.partition(":")
        says = {"list": gettext("everybody"), "gift": gettext("nobody: it was given"), "tier": gettext("%s and above")}
        return says.get(kind, "%s").replace("%s", redemption.price_for or code)

    @admin.display(description=_("cost"))
    def cost(self, redemption):
        return words.money(redemption.unit_cost)

    @admin.display(description=_("sponsor pays"))
    def sponsored(self, redemption):
        return f"{redemption.merchant}: {words.money(redemption.merchant_cost)}" if redemption.merchant_cost else "–"

    @admin.display(description=_("good until"), ordering="expires_at")
    def good_until(self, redemption):
        return reward_words.until(redemption.expires_at)

    @admin.display(description=_("reward code"))
    def code_link(self, redemption):
        code = getattr(redemption, "code", None)
        return words.link(code, reward_words.masked(code.code)) if code else "–"

    @admin.display(description=_("waits for its payment until"))
    def hold_until(self, redemption):
        return words.instant(redemption.hold.expires_at) if redemption.status == Status.HELD else "–"

    # Steps --------------------------------------------------------------------------------------------------

    def _may(self, request: HttpRequest, object_id, verb: str, permission: str) -> bool:
        if not request.user.has_perm(f"rewards.{permission}_redemption"):
            return False
        found = Redemption.objects.filter(pk=object_id, status__in=TRANSITIONS[verb][0])
        if verb in ("fulfil", "ship", "deliver"):
            found = found.filter(reward__kind=Reward.Kind.GIFT)
        return found.exists()

    def has_fulfil_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id, "fulfil", "fulfil")

    def has_ship_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id, "ship", "fulfil")

    def has_deliver_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id, "deliver", "fulfil")

    def has_use_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id, "use", "fulfil")

    def has_cancel_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id, "cancel", "cancel")

    def has_give_back_permission(self, request, object_id=None) -> bool:
        return self._may(request, object_id, "give_back", "cancel")

    @action(description=_("Begin to pack"), icon="inventory_2", permissions=["fulfil"])
    def fulfil(self, request: HttpRequest, object_id: int) -> HttpResponse:
        says = gettext("From now on the member cannot cancel it.")
        return self._ask(request, object_id, fulfilment.fulfil, gettext("Begin to pack?"), says)

    @action(description=_("Send"), icon="local_shipping", permissions=["ship"])
    def ship(self, request: HttpRequest, object_id: int) -> HttpResponse:
        says = gettext("The member is told that the parcel is on its way.")
        return self._ask(request, object_id, fulfilment.ship, gettext("Send the parcel?"), says, TrackingForm)

    @action(description=_("Delivered"), icon="check_circle", permissions=["deliver"])
    def deliver(self, request: HttpRequest, object_id: int) -> HttpResponse:
        says = gettext("The member has it. It can still come back.")
        return self._ask(request, object_id, fulfilment.deliver, gettext("Has it arrived?"), says)

    @action(description=_("Used"), icon="done_all", permissions=["use"])
    def use(self, request: HttpRequest, object_id: int) -> HttpResponse:
        says = gettext("A used reward is not given back any more.")
        return self._ask(request, object_id, fulfilment.use, gettext("Has it been used?"), says, ReasonForm)

    @action(description=_("Cancel"), icon="undo", permissions=["cancel"])
    def cancel(self, request: HttpRequest, object_id: int) -> HttpResponse:
        title = gettext("Cancel this redemption?")
        return self._ask(request, object_id, redemptions.cancel, title, self._comes_back, ReasonForm)

    @action(description=_("Take back"), icon="assignment_return", permissions=["give_back"])
    def give_back(self, request: HttpRequest, object_id: int) -> HttpResponse:
        title = gettext("Take this reward back unused?")
        return self._ask(request, object_id, redemptions.give_back, title, self._comes_back, ReasonForm)

    @staticmethod
    def _comes_back(redemption: Redemption) -> list[str]:
        """What the member gets back, and what becomes of the thing."""
        if not redemption.points:
            says = [gettext("It was given: no points come back.")]
        elif redemption.status == Status.HELD:
            says = [gettext("Nothing is paid yet: the points that are held for it are free again.")]
        else:
            says = [
                gettext(
                    "The points go back to the very lots they came from, with their expiry. What has expired meanwhile "
                    "is lost, unless the programme gives grace."
                )
            ]
            if redemption.cash:
                says.append(gettext("The shop pays back %s.") % words.money(redemption.cash))
        if hasattr(redemption, "code"):
            says.append(gettext("Its code is void from now on."))
        return says

    def _ask(
        self,
        request: HttpRequest,
        object_id: int,
        verb: Callable[..., Any],
        title: str,
        says: str | Callable[[Redemption], list[str]],
        ask: type[forms.Form] | None = None,
    ) -> HttpResponse:
        """Ask, then let the service do it."""
        redemption = get_object_or_404(self.get_queryset(request).select_related("member", "reward"), pk=object_id)
        form = ask(request.POST or None) if ask else None
        if request.method == "POST" and (form is None or form.is_valid()):
            said = form.cleaned_data if form else {}
            return self._do(request, redemption, lambda at: verb(redemption.uuid, actor=actor(request), at=at, **said))
        facts = [
            (gettext("Member"), self.who(redemption)),
            (gettext("Reward"), self.what(redemption)),
            (gettext("Price"), self.paid(redemption)),
            (gettext("Stands at"), self.status_label(redemption)),
        ]
        return confirm.page(
            self, request, redemption, title=title, says=[says] if isinstance(says, str) else says(redemption),
            facts=facts, form=form, submit=gettext("Yes"),
        )  # fmt: skip

    def _do(self, request: HttpRequest, redemption: Redemption, deed: Callable[[dt.datetime], Redemption]):
        try:
            done = deed(timezone.now())
            messages.success(request, gettext("Now: %s.") % done.get_status_display())
        except Problem as problem:
            refuse(request, problem)
        return redirect("admin:rewards_redemption_change", redemption.pk)


def _paid(redemption: Redemption) -> str:
    if not redemption.points:
        return gettext("nothing: it was given")
    return reward_words.price(redemption.points, redemption.cash)


def _named() -> Case:
    """The name of the tier, segment or plan for whose members the price was, as it is called today."""
    kinds: dict[str, type[Model]] = {"tier": Tier, "segment": Segment, "plan": Plan}
    cases = [
        When(
            basis__startswith=f"{kind}:",
            then=Subquery(
                model._default_manager.filter(code=Substr(OuterRef("basis"), len(kind) + 2)).values("name")[:1]
            ),
        )
        for kind, model in kinds.items()
    ]
    return Case(*cases, default=Value(""))


def _panel(member: Member, request: HttpRequest) -> dict:
    """What the member took last, those merged into the member too."""
    found = catalogue.of_member(member).select_related("reward", "code").order_by("-id")[:_SHOWN]
    return {
        "rows": [
            {
                "link": words.link(redemption, redemption.reward.name),
                "picture": reward_words.picture(redemption.reward),
                "status": tags.tag(redemption.get_status_display(), COLOURS[redemption.status]),
                "paid": _paid(redemption),
                "code": reward_words.masked(redemption.code.code) if hasattr(redemption, "code") else "–",
                "until": reward_words.until(redemption.expires_at),
                "at": redemption.created_at,
            }
            for redemption in found
        ]
    }


panels.register_panel(
    Member._meta.label,
    panels.Panel(
        "redemptions", _("Rewards taken"), "rewards/panels/redemptions.html", _panel, "rewards.view_redemption", 20
    ),
)
