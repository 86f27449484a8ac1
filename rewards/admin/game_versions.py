from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action

from common.admin import confirm, tags, words
from common.admin.base import AuditedAdmin, actor, refuse
from common.admin.money import MoneyField, ReadableMoneyMixin
from common.admin.preview import PreviewMixin
from common.admin.seen import SeenForm, agreed
from common.problems import Problem
from loyalty.selectors import programme as programmes
from rewards.admin import game_words
from rewards.admin import games as game_pages
from rewards.models import Game, GameVersion, Prize, Reward
from rewards.selectors import odds
from rewards.services import draws, games, lotteries

Status = GameVersion.Status


class PrizeForm(forms.ModelForm):
    """One prize; its price is typed as money, or is what its reward is worth."""

    price = MoneyField(label=_("market price"), initial=0, required=False)

    class Meta:
        model = Prize
        fields = ["position", "name", "kind", "points", "reward", "price", "weight", "stock", "is_fallback"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "reward" in self.fields:
            handed = Reward.objects.filter(kind__in=[Reward.Kind.COUPON, Reward.Kind.PARTNER], status="active")
            self.fields["reward"].queryset = handed

    def clean(self):
        data = super().clean()
        data["price"] = data.get("price") or 0
        reward = data.get("reward")
        if reward and data.get("kind") != Prize.Kind.COUPON:
            self.add_error("reward", gettext("Only for a coupon: it is handed out at once."))
        elif reward:
            data["price"] = data["price"] or reward.perceived_value
        if data.get("kind") == Prize.Kind.POINTS:
            if not data.get("points"):
                self.add_error("points", gettext("Say how many points."))
            if data["price"]:
                self.add_error("price", gettext("Points have no price of their own."))
        elif data.get("kind"):
            if not data["price"]:
                self.add_error("price", gettext("Say what it costs to buy."))
            if data.get("points"):
                self.add_error("points", gettext("Only for points."))
        return data


class PrizeInline(ReadableMoneyMixin, TabularInline):
    model = Prize
    form = PrizeForm
    extra = 0
    verbose_name_plural = _("Prizes, the top prize first")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("version", "reward")

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """Rewards are made on their own page."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "reward":
            for deed in ("add", "change", "delete", "view"):
                setattr(field.widget, f"can_{deed}_related", False)
        return field


class VersionForm(forms.ModelForm):
    """A draft; its budget is typed as money."""

    daily_budget = MoneyField(
        label=_("budget a day"),
        required=False,
        help_text=_("Value of the prizes won in one day; the game rests before it could be exceeded. Empty: no limit."),
    )

    class Meta:
        model = GameVersion
        fields = [
            "game", "starts_at", "ends_at", "stake", "weight_total", "daily_limit", "lifetime_limit", "cost_cap_percent",
            "daily_budget", "won_points_days", "draws_at", "tickets_least", "tickets_most",
        ]  # fmt: skip

    def clean(self):
        data = super().clean()
        if data.get("starts_at") and data.get("ends_at") and data["ends_at"] <= data["starts_at"]:
            self.add_error("ends_at", gettext("The end comes after the start."))
        return data


@admin.register(GameVersion)
class GameVersionAdmin(PreviewMixin, AuditedAdmin):
    """What a game costs and gives. Drafts are edited; a colleague activates them; from then on they never change."""

    empty = _("No version yet. Begin with a game.")
    form = VersionForm
    inlines = [PrizeInline]
    preview_template = "rewards/game_words.html"
    list_display = ["title", "state_label", "says", "starts_at", "ends_at", "created_by", "activated_by"]
    list_filter = ["status", "game__kind", "game"]
    list_select_related = ["game", "created_by", "activated_by"]
    search_fields = ["game__name", "game__code"]
    search_help_text = _("A game's name or code.")
    autocomplete_fields = ["game"]
    actions_detail = ["activate", "stop", "new_version", "verify"]
    fieldsets = [
        (None, {"fields": ["game", ("starts_at", "ends_at")]}),
        (_("What it costs the member"), {"fields": [("stake", "won_points_days"), ("daily_limit", "lifetime_limit")]}),
        (_("What it may cost us"), {"fields": [("cost_cap_percent", "daily_budget"), "weight_total"]}),
        (_("Only for a lottery"), {"fields": ["draws_at", ("tickets_least", "tickets_most")]}),
    ]
    settled_fieldsets = [
        (None, {"fields": [("game", "state_label"), ("starts_at", "ends_at"), "won_so_far"]}),
        (_("Who and when"), {"fields": [("created_by", "changed_at"), ("activated_by", "activated_at")]}),
    ]
    readonly_fields = ["state_label", "won_so_far", "created_by", "changed_at", "activated_by", "activated_at"]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("prizes__reward")

    def get_fieldsets(self, request, obj=None):
        editable = self.has_change_permission(request, obj) if obj else True
        return self.fieldsets if editable else self.settled_fieldsets

    def get_inlines(self, request, obj):
        return self.inlines if obj is None or self.has_change_permission(request, obj) else []

    def get_changeform_initial_data(self, request):
        return {"starts_at": timezone.now(), **super().get_changeform_initial_data(request)}

    # What may be done ---------------------------------------------------------------------------------------

    def has_change_permission(self, request, obj=None):
        """Only drafts can be changed: odds published are odds played."""
        return (obj is None or obj.is_draft) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return obj is not None and obj.is_draft and super().has_delete_permission(request, obj)

    def has_activate_permission(self, request: HttpRequest, object_id=None) -> bool:
        may = request.user.has_perm("rewards.activate_game")
        return may and self._has_status(object_id, Status.DRAFT, Status.STOPPED)

    def has_stop_permission(self, request: HttpRequest, object_id=None) -> bool:
        may = request.user.has_perm("rewards.activate_game") or request.user.has_perm("rewards.change_gameversion")
        return may and self._has_status(object_id, Status.ACTIVE)

    def has_new_version_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("rewards.add_gameversion") and not self._has_status(object_id, Status.DRAFT)

    def has_verify_permission(self, request: HttpRequest, object_id=None) -> bool:
        may = request.user.has_perm("rewards.view_play")
        return may and GameVersion.objects.filter(pk=object_id, drawn_at__isnull=False).exists()

    def _has_status(self, object_id, *statuses) -> bool:
        return GameVersion.objects.filter(pk=object_id, status__in=statuses, drawn_at=None).exists()

    # What it shows ------------------------------------------------------------------------------------------

    @admin.display(description=_("version"), ordering="game__name")
    def title(self, version):
        return str(version)

    @tags.tagged(_("state"), game_pages.COLOURS)
    def state_label(self, version):
        return game_pages.state(version, timezone.now())

    @admin.display(description=_("what it says"))
    def says(self, version):
        return game_words.sentence(version)

    @admin.display(description=_("staked and won"))
    def won_so_far(self, version):
        sums = version.plays.aggregate(staked=Sum("stake", default=0), given=Sum("value", default=0))
        numbers = {"staked": words.number(sums["staked"]), "given": words.money(sums["given"])}
        return gettext("%(staked)s points staked, %(given)s won") % numbers

    def preview(self, obj, inlines):
        """What is in the form may be unfinished: a stake or total that is missing counts as one."""
        obj.stake, obj.weight_total = obj.stake or 1, obj.weight_total or 1
        if obj.game_id is None:
            obj.game = Game()
        return game_words.preview(obj, list(obj.prizes.all()) if inlines is None else inlines)

    # What it does -------------------------------------------------------------------------------------------

    def save_model(self, request, obj, form, change):
        """Whoever touched a draft last is its author: another person activates it."""
        obj.created_by, obj.changed_at = request.user, timezone.now()
        if not change:
            obj.number = games.next_number(obj.game)
        super().save_model(request, obj, form, change)

    def save_related(self, request, form, formsets, change):
        """A draft may be unfinished, but its author is told."""
        super().save_related(request, form, formsets, change)
        version = form.instance
        for fault in odds.faults(version, list(version.prizes.all()), programmes.current()):
            messages.warning(request, fault.words)

    @action(description=_("Activate"), icon="play_circle", permissions=["activate"])
    def activate(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Say what it may cost, then let the service put the version in force."""
        version = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method == "POST":
            with transaction.atomic():
                draft = agreed(request, version, _mark)
                if draft is not None:
                    return self._activate(request, draft)
            version = self.get_queryset(request).get(pk=object_id)
        return self._ask_to_activate(request, version)

    def _activate(self, request, version):
        try:
            games.activate(version, actor(request), timezone.now(), draws.fresh_seed)
            messages.success(request, gettext("Version %d is in force, and its seed is committed to.") % version.number)
        except Problem as problem:
            refuse(request, problem)
        return redirect("admin:rewards_gameversion_change", version.pk)

    def _ask_to_activate(self, request, version):
        if version.created_by_id == request.user.pk:
            messages.warning(request, gettext("You wrote this draft. Somebody else has to put it in force."))
        running = version.game.versions.filter(status=Status.ACTIVE).first()
        return confirm.page(
            self,
            request,
            version,
            title=gettext("Activate this game?"),
            says=[
                gettext(
                    "Its odds are published, and from then on this version never changes: a correction is a new one."
                ),
            ],
            facts=[
                (gettext("From"), words.instant(version.starts_at)),
                (gettext("To"), words.instant(version.ends_at)),
                (gettext("Written by"), version.created_by or "–"),
                (gettext("Replaces"), running or gettext("nothing")),
            ],
            submit=gettext("Activate"),
            form=SeenForm(initial={"seen": _mark(version)}),
            template="rewards/game_ask.html",
            picture=render_to_string("rewards/game_words.html", game_words.preview(version, version.prizes.all())),
        )

    @action(description=_("Stop"), icon="stop_circle", permissions=["stop"])
    def stop(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Let nobody play any more, after asking."""
        version = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method != "POST":
            says = [gettext("Nobody can play any more. What was won stays; tickets that are sold are drawn in time.")]
            return confirm.page(
                self, request, version, title=gettext("Stop this game?"), says=says, submit=gettext("Stop")
            )
        try:
            games.stop(version, actor(request), timezone.now())
            messages.success(request, gettext("The game is stopped."))
        except Problem as problem:
            refuse(request, problem)
        return redirect("admin:rewards_gameversion_change", object_id)

    @action(description=_("New version"), icon="edit_note", permissions=["new_version"])
    def new_version(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A new draft that says the same, to be changed; or the draft there is."""
        version = get_object_or_404(GameVersion, pk=object_id)
        if request.method != "POST" and not version.game.versions.filter(status=GameVersion.Status.DRAFT).exists():
            return confirm.new_version(self, request, version, version)
        draft = games.draft_from(version, actor(request), timezone.now())
        return redirect("admin:rewards_gameversion_change", draft.pk)

    @action(description=_("Verify the draw"), icon="verified", permissions=["verify"])
    def verify(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Repeat the lottery's draw from its seed and compare."""
        version = get_object_or_404(GameVersion, pk=object_id)
        faults = lotteries.verify(version)
        for fault in faults:
            messages.error(request, fault)
        if not faults:
            messages.success(request, gettext("The draw holds: the seeds give these very winners."))
        return redirect("admin:rewards_gameversion_change", object_id)


def _mark(version: GameVersion) -> str:
    """Every edit of a draft writes when."""
    return version.changed_at.isoformat()
