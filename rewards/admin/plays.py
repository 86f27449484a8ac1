from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.admin import panels, tags, words
from common.admin.base import ReadOnlyAdmin
from common.admin.filters import whether
from members.models import Member
from rewards.models import Play
from rewards.selectors import games
from rewards.services import lotteries, plays


@admin.register(Play)
class PlayAdmin(ReadOnlyAdmin):
    """Every play, with what anybody needs to repeat its draw."""

    empty = _("Nobody has played yet.")
    list_display = ["at", "member", "game", "result", "stake", "worth"]
    list_filter = ["game", whether("prize", _("Won a prize"), _("No prize"))]
    list_select_related = ["member", "game", "version", "prize", "drawn", "outcome__prize"]
    search_fields = ["=member__external_id", "=uuid"]
    search_help_text = _("A member's external id, or the play's code.")
    date_hierarchy = "at"
    actions_detail = ["verify"]
    fieldsets = [
        (
            None,
            {"fields": [("member_link", "version_link"), ("at", "stake"), ("result", "worth"), "fell_on", "ticket"]},
        ),
        (
            _("How it was drawn"),
            {"fields": ["client_seed", "nonce", "commitment", "seed", "number_words", "code"]},
        ),
    ]
    readonly_fields = [
        "member_link",
        "version_link",
        "result",
        "worth",
        "fell_on",
        "commitment",
        "seed",
        "number_words",
        "code",
    ]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("period", "version__game", *self.list_select_related)

    def has_verify_permission(self, request: HttpRequest, object_id=None) -> bool:
        return request.user.has_perm("rewards.view_play")

    @admin.display(description=_("member"))
    def member_link(self, play):
        return words.link(play.member)

    @admin.display(description=_("the play's code"))
    def code(self, play):
        return str(play.uuid)

    @admin.display(description=_("version"))
    def version_link(self, play):
        return words.link(play.version)

    @tags.tagged(_("result"), {"won": tags.GOOD, "lost": "", "waiting": tags.WAITING, "returned": tags.NEWS})
    def result(self, play):
        return result(play)

    @admin.display(description=_("worth"), ordering="value")
    def worth(self, play):
        return words.money(play.value) if play.value else "–"

    @admin.display(description=_("fell on"))
    def fell_on(self, play):
        if play.drawn != play.prize:
            return gettext("%s, which was out of stock") % play.drawn
        return play.drawn or "–"

    @admin.display(description=_("commitment"))
    def commitment(self, play):
        return format_html('<code class="lp-json">{}</code>', play.period.commitment)

    @admin.display(description=_("server seed"))
    def seed(self, play):
        if play.period.revealed_seed is None:
            return gettext("secret until it decides nothing any more")
        return format_html('<code class="lp-json">{}</code>', play.period.revealed_seed)

    @admin.display(description=_("number drawn"))
    def number_words(self, play):
        if play.number is None:
            return "–"
        numbers = {"number": words.number(play.number), "last": words.number(play.version.weight_total - 1)}
        return gettext("%(number)s out of 0 to %(last)s") % numbers

    @action(description=_("Verify"), icon="verified", permissions=["verify"])
    def verify(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Repeat the draw from its seeds and compare."""
        play = get_object_or_404(self.get_queryset(request), pk=object_id)
        faults = plays.verify(play) if play.ticket is None else lotteries.verify(play.version)
        for fault in faults:
            messages.error(request, fault)
        if not faults:
            messages.success(request, gettext("The draw holds: the seeds give this very result."))
        return redirect("admin:rewards_play_change", object_id)


def result(play: Play) -> tuple[str, str]:
    """What became of a play, in a word."""
    outcome = getattr(play, "outcome", None)
    if play.ticket is not None and play.version.drawn_at is None:
        return "waiting", gettext("waits for the draw")
    if outcome is not None and outcome.prize is None:
        return "returned", gettext("stake returned")
    prize = outcome.prize if outcome else play.prize
    return ("won", prize.name) if prize else ("lost", gettext("no prize"))


def _panel(member: Member, request: HttpRequest) -> dict:
    """The member's last plays."""
    rows = games.of_member(member).select_related("game", "version", "prize", "outcome__prize")[:10]
    return {
        "rows": [
            {
                "play": words.link(play, words.instant(play.at)),
                "game": play.game,
                "stake": play.stake,
                "result": result(play)[1],
            }
            for play in rows
        ]
    }


panels.register_panel(
    Member._meta.label, panels.Panel("plays", _("Games"), "rewards/panels/plays.html", _panel, "rewards.view_play", 60)
)
