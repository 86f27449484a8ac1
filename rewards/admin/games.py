from django.contrib import admin
from django.db.models import Prefetch
from django.http import HttpRequest
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.admin import confirm, tags, words
from common.admin.base import AuditedAdmin, actor
from rewards.admin import game_words
from rewards.models import Game, GameVersion
from rewards.services import games

COLOURS = {
    "draft": tags.WAITING,
    "ahead": tags.NEWS,
    "active": tags.GOOD,
    "stopped": tags.BAD,
    "over": "",
    "replaced": "",
}


def state(version: GameVersion, now) -> tuple[str, str]:
    """Where a version stands, in a word."""
    if version.called_off:
        return "over", gettext("Called off")
    if version.drawn_at is not None:
        return "over", gettext("Drawn")
    if version.status == GameVersion.Status.ACTIVE:
        if version.ends_at <= now:
            return "over", gettext("Over")
        if version.starts_at > now:
            return "ahead", gettext("From %s") % words.instant(version.starts_at)
    return version.status, version.get_status_display()


@admin.register(Game)
class GameAdmin(AuditedAdmin):
    """Games for points: small for big. What a game costs and gives lies in its versions."""

    empty = _("No game yet. A game takes a small stake of points and gives a chance of something big.")
    list_display = ["name", "kind", "state_label", "says"]
    list_filter = ["kind"]
    search_fields = ["name", "code"]
    search_help_text = _("A name or a code.")
    fields = [("name", "code"), "kind", "description", "versions_table"]
    readonly_fields = ["versions_table"]
    prepopulated_fields = {"code": ["name"]}
    actions_detail = ["new_version"]

    def get_queryset(self, request):
        versions = GameVersion.objects.select_related("game").order_by("-number")
        return super().get_queryset(request).prefetch_related(Prefetch("versions", versions))

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def get_readonly_fields(self, request, obj=None):
        """Plays know a game by its kind, the outside world by its code."""
        return [*self.readonly_fields, *(["code", "kind"] if obj else [])]

    def get_fields(self, request, obj=None):
        return self.fields if obj else self.fields[:-1]

    def has_delete_permission(self, request, obj=None):
        """Games are stopped, not deleted: plays name them."""
        return False

    def has_new_version_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("rewards.add_gameversion")

    @tags.tagged(_("state"), COLOURS)
    def state_label(self, game):
        version = _shown(game)
        return state(version, timezone.now()) if version else ("draft", gettext("No version yet"))

    @admin.display(description=_("what it says"))
    def says(self, game):
        version = _shown(game)
        return game_words.sentence(version) if version else gettext("Nothing yet.")

    @admin.display(description=_("versions"))
    def versions_table(self, game):
        now = timezone.now()
        rows = []
        for version in game.versions.all():
            stands, text = state(version, now)
            link = words.link(version, gettext("Version %d") % version.number)
            rows.append((link, tags.tag(text, COLOURS[stands]), game_words.sentence(version)))
        if not rows:
            return gettext("None yet. Write the first one with “New version”.")
        body = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", rows)
        return format_html('<table class="lp-table">{}</table>', body)

    @action(description=_("New version"), icon="edit_note", permissions=["new_version"])
    def new_version(self, request: HttpRequest, object_id: int):
        """Go on with the draft there is, copy the newest version into a new draft, or begin the first one."""
        game = get_object_or_404(self.get_queryset(request), pk=object_id)
        newest = next(iter(game.versions.all()), None)
        if newest is None:
            return redirect(f"{reverse('admin:rewards_gameversion_add')}?game={game.pk}")
        if newest.status != GameVersion.Status.DRAFT and request.method != "POST":
            return confirm.new_version(self, request, game, newest)
        draft = games.draft_from(newest, actor(request), timezone.now())
        return redirect("admin:rewards_gameversion_change", draft.pk)

    def response_add(self, request, obj, post_url_continue=None):
        if "_continue" in request.POST or "_addanother" in request.POST or "_popup" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        self.message_user(request, gettext("The game is there. Now write what it costs and gives."))
        return redirect(f"{reverse('admin:rewards_gameversion_add')}?game={obj.pk}")


def _shown(game: Game) -> GameVersion | None:
    """The version in force, else the newest."""
    versions = list(game.versions.all())
    active = (version for version in versions if version.status == GameVersion.Status.ACTIVE)
    return next(active, next(iter(versions), None))
