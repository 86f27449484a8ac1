from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from common.admin import confirm, tags
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.admin.filters import whether
from common.problems import Problem
from rewards.models import Game, SeedPeriod
from rewards.services import draws, seeds


@admin.register(SeedPeriod)
class SeedPeriodAdmin(ReadOnlyAdmin):
    """What games commit to before they are played, and reveal afterwards."""

    empty = _("No seed yet. Activating a game commits to its first one.")
    list_display = ["opened_at", "version", "state_label", "commitment_code", "closed_at"]
    list_filter = [whether("closed_at", _("Revealed"), _("Committed to")), "version__game"]
    list_select_related = ["version__game"]
    search_fields = ["=commitment", "version__game__name"]
    search_help_text = _("A commitment, or a game's name.")
    date_hierarchy = "opened_at"
    fields = ["version", "state_label", "opened_at", "closed_at", "commitment_code", "seed"]
    readonly_fields = ["state_label", "commitment_code", "seed"]
    actions_detail = ["change_seed"]

    def has_change_seed_permission(self, request: HttpRequest, object_id=None) -> bool:
        may = request.user.has_perm("rewards.activate_game")
        open_ones = SeedPeriod.objects.filter(pk=object_id, closed_at=None)
        return may and open_ones.exclude(version__game__kind=Game.Kind.LOTTERY).exists()

    @tags.tagged(_("state"), {"open": tags.WAITING, "revealed": tags.GOOD})
    def state_label(self, period):
        return ("revealed", gettext("Revealed")) if period.closed_at else ("open", gettext("Committed to"))

    @admin.display(description=_("commitment"))
    def commitment_code(self, period):
        return format_html('<code class="lp-json">{}</code>', period.commitment)

    @admin.display(description=_("server seed"))
    def seed(self, period):
        if period.revealed_seed is None:
            return gettext("secret until it decides nothing any more")
        return format_html('<code class="lp-json">{}</code>', period.revealed_seed)

    @action(description=_("Reveal and change"), icon="key", permissions=["change_seed"])
    def change_seed(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Reveal the seed now and commit to a new one, after asking."""
        period = get_object_or_404(SeedPeriod.objects.select_related("version__game"), pk=object_id)
        if request.method != "POST":
            says = [
                gettext("The seed is shown to everybody who played, and a new one decides from now on."),
                gettext("It happens every night by itself."),
            ]
            return confirm.page(
                self, request, period, title=gettext("Reveal the seed now?"), says=says, submit=gettext("Reveal it")
            )
        try:
            seeds.change(period.version, actor(request), timezone.now(), draws.fresh_seed)
            messages.success(request, gettext("The seed is revealed; a new one is committed to."))
        except Problem as problem:
            refuse(request, problem)
        return redirect("admin:rewards_seedperiod_change", object_id)
