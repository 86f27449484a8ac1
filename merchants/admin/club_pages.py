"""What the pages of memberships share on both sites: their look, opening, winding down."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.admin import confirm, tags, words
from common.admin.base import actor, refuse
from common.admin.preview import PreviewMixin
from common.problems import Problem
from merchants.models import Card, Club
from merchants.selectors import cards
from merchants.services import clubs

from . import faces
from .club_forms import ClubForm, WindDownForm

COLOURS = {"open": tags.GOOD, "winding_down": tags.WAITING, "closed": tags.BAD, "draft": tags.NEWS}


class ClubPages(PreviewMixin):
    """Mix it in before the site's own base."""

    form = ClubForm
    empty = _("No membership yet. Add one: name its stores, then its levels, then open it.")
    list_display = ["name", "state", "scope_label", "store_names", "member_count", "unit_name"]
    list_filter = ["status", "scope"]
    ordering = ["name", "pk"]
    search_fields = ["name"]
    search_help_text = _("A name.")
    preview_template = "merchants/club_preview.html"
    actions_detail = ["open_club", "wind_down"]

    def get_queryset(self, request):
        active = Q(cards__status=Card.Status.ACTIVE)
        rows = super().get_queryset(request).select_related("merchant", "brand")
        return rows.prefetch_related("stores").annotate(members_now=Count("cards", filter=active))

    def get_readonly_fields(self, request, obj=None):
        """What members joined under stays: whose it is, and of what kind."""
        return ["scope", "brand"] if obj else []

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        if "takes_part" in form.cleaned_data:
            stores = list(form.cleaned_data["takes_part"])
            clubs.take_stores(form.instance, stores, actor=actor(request), at=timezone.now())

    # What it shows ------------------------------------------------------------------------------------------

    @tags.tagged(_("status"), COLOURS)
    def state(self, club):
        return club.status, club.get_status_display()

    @admin.display(description=_("scope"), ordering="scope")
    def scope_label(self, club):
        return club.get_scope_display()

    @admin.display(description=_("stores"))
    def store_names(self, club):
        names = [store.name for store in club.stores.all()]
        more = gettext(" and %d more") % (len(names) - 3) if len(names) > 3 else ""
        return (", ".join(names[:3]) + more) or "–"

    @admin.display(description=_("members now"), ordering="members_now")
    def member_count(self, club):
        return words.number(club.members_now)

    def preview(self, obj, inlines):
        """The card's face on every level, with how many have it."""
        rules = cards.rules([obj.pk], timezone.now())[obj.pk] if obj.pk else cards.Rules()
        counts = faces.counted(obj) if obj.pk else {}
        shown = faces.of(obj, rules.levels, rules.basis, counts)
        return {"club": obj, "faces": shown, "announced_on": rules.announced_on}

    # What it does -------------------------------------------------------------------------------------------

    def _is(self, request: HttpRequest, object_id, status: str) -> bool:
        """Whether a button belongs on the page: everywhere, or on a row in this state."""
        if object_id is None:
            return True
        club = self.get_object(request, str(object_id))
        return club is not None and club.status == status

    def _club(self, request: HttpRequest, object_id) -> Club:
        """A row of this page, which on the merchants' site is an own one."""
        club = self.get_object(request, str(object_id))
        if club is None:
            raise Http404
        return club

    def _back(self, club: Club) -> HttpResponse:
        return redirect(f"{self.admin_site.name}:merchants_club_change", club.pk)

    @action(description=_("Open"), icon="door_open", permissions=["open"])
    def open_club(self, request: HttpRequest, object_id) -> HttpResponse:
        """Say what opening means, then let members in."""
        club = self._club(request, object_id)
        if request.method == "POST":
            try:
                clubs.open(club, actor=actor(request), at=timezone.now())
                messages.success(request, gettext("Members can join now."))
            except Problem as problem:
                refuse(request, problem)
            return self._back(club)
        rules = cards.rules([club.pk], timezone.now())[club.pk]
        facts = [
            (gettext("Stores"), self.store_names(club)),
            (gettext("Levels"), ", ".join(level.name for level in rules.levels) or gettext("none: one for all")),
            (gettext("Opening gift"), f"{words.number(club.welcome_points)} {club.unit_name}"),
        ]
        says = [gettext("From now on members can join, and their orders at these stores count. Scope and brand stay.")]
        return confirm.page(
            self, request, club, title=gettext("Open the membership?"), says=says, facts=facts, submit=gettext("Open")
        )

    @action(description=_("Wind down"), icon="event_busy", permissions=["wind_down"])
    def wind_down(self, request: HttpRequest, object_id) -> HttpResponse:
        """Ask for the day and the rate, say what it costs, then announce the end."""
        club = self._club(request, object_id)
        form = WindDownForm(request.POST or None, initial={"exchange_permille": club.exchange_permille})
        if request.method == "POST" and form.is_valid():
            try:
                data = form.cleaned_data
                clubs.wind_down(
                    club, data["ends_at"], data["exchange_permille"], actor=actor(request), at=timezone.now()
                )
                messages.success(request, gettext("The end is announced. What the exchange may cost is set aside."))
            except Problem as problem:
                refuse(request, problem)
            return self._back(club)
        open_cards = Card.objects.filter(club=club, status=Card.Status.ACTIVE)
        facts = [
            (gettext("Members"), words.number(open_cards.count())),
            (gettext("Points on their cards"), words.number(sum(open_cards.values_list("points", flat=True)))),
        ]
        says = [
            gettext("From now on nobody joins and orders count no more. This cannot be undone."),
            gettext("Members have at least 30 days of notice; then the cards' points become points of the programme."),
        ]
        title, submit = gettext("Wind the membership down?"), gettext("Announce the end")
        return confirm.page(self, request, club, title=title, says=says, facts=facts, submit=submit, form=form)
