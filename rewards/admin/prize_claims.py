from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from common.admin import confirm, jobs, tags, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.admin.filters import whether
from common.problems import Problem
from rewards.models import PrizeClaim
from rewards.services import prize_claims

Status = PrizeClaim.Status


class SendForm(forms.Form):
    note = forms.CharField(
        label=_("what was sent"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Carrier and number, or the coupon's code. The member is told."),
    )


jobs.register(prize_claims.JOB, _("Prizes that were owed are handed out"), prize_claims.hand_out)


@admin.register(PrizeClaim)
class PrizeClaimAdmin(ReadOnlyAdmin):
    """Gifts and coupons that were won, on their way to the winners."""

    empty = _("No gift or coupon was won yet.")
    list_display = ["won_at", "prize", "winner", "state_label", "note"]
    list_filter = [
        "status",
        whether("prize__reward", _("From the catalogue"), _("Sent by hand")),
        "prize__version__game",
    ]
    list_select_related = ["prize", "play__member"]
    search_fields = ["=play__member__external_id", "prize__name", "note"]
    search_help_text = _("A member's external id, a prize, or what was sent.")
    date_hierarchy = "won_at"
    fields = [
        "prize",
        "winner",
        "play_link",
        "state_label",
        "redemption_link",
        "note",
        ("won_at", "sent_at", "delivered_at"),
    ]
    readonly_fields = ["winner", "play_link", "state_label", "redemption_link"]
    actions_detail = ["hand_out", "send", "deliver"]

    def has_hand_out_permission(self, request: HttpRequest, object_id=None) -> bool:
        return self._may(request, object_id, Status.OPEN, prize__reward__isnull=False)

    def has_send_permission(self, request: HttpRequest, object_id=None) -> bool:
        return self._may(request, object_id, Status.OPEN, prize__reward__isnull=True)

    def has_deliver_permission(self, request: HttpRequest, object_id=None) -> bool:
        return self._may(request, object_id, Status.SENT)

    def _may(self, request, object_id, status, **more) -> bool:
        may = request.user.has_perm("rewards.deliver_prizeclaim")
        return may and PrizeClaim.objects.filter(pk=object_id, status=status, **more).exists()

    @admin.display(description=_("winner"))
    def winner(self, claim):
        return words.link(claim.play.member)

    @admin.display(description=_("play"))
    def play_link(self, claim):
        return words.link(claim.play, words.instant(claim.play.at))

    @admin.display(description=_("redemption"))
    def redemption_link(self, claim):
        return words.link(claim.redemption)

    @tags.tagged(_("state"), {"owed": tags.BAD, "open": tags.WAITING, "sent": tags.NEWS, "delivered": tags.GOOD})
    def state_label(self, claim):
        if claim.status == Status.OPEN and claim.prize.reward_id:
            return "owed", gettext("Owed: nothing was left")
        return claim.status, claim.get_status_display()

    @action(description=_("Hand out"), icon="redeem", permissions=["hand_out"])
    def hand_out(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Hand out the reward that was not there when it was won, after asking."""
        claim = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method == "POST":
            return self._do(
                request, object_id, lambda: prize_claims.hand_out_one(claim, actor(request), timezone.now())
            )
        names = {"prize": claim.prize, "member": claim.play.member}
        says = [gettext("%(member)s gets “%(prize)s” at once, with its code.") % names]
        title = gettext("Hand out the prize?")
        return confirm.page(self, request, claim, title=title, says=says, submit=gettext("Hand out"))

    @action(description=_("Send"), icon="local_shipping", permissions=["send"])
    def send(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask what was sent, then note it."""
        claim = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = SendForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            return self._do(
                request,
                object_id,
                lambda: prize_claims.send(claim, form.cleaned_data["note"], actor(request), timezone.now()),
            )
        says = [gettext("“%(prize)s” goes to %(member)s.") % {"prize": claim.prize, "member": claim.play.member}]
        return confirm.page(
            self, request, claim, title=gettext("Send the prize"), says=says, submit=gettext("It is sent"), form=form
        )

    @action(description=_("Delivered"), icon="task_alt", permissions=["deliver"])
    def deliver(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The winner has it, after asking."""
        claim = get_object_or_404(self.get_queryset(request), pk=object_id)
        if request.method == "POST":
            return self._do(request, object_id, lambda: prize_claims.deliver(claim, actor(request), timezone.now()))
        says = [gettext("%(member)s has “%(prize)s”.") % {"prize": claim.prize, "member": claim.play.member}]
        return confirm.page(
            self, request, claim, title=gettext("Was it delivered?"), says=says, submit=gettext("It was delivered")
        )

    def _do(self, request, object_id, deed) -> HttpResponse:
        try:
            deed()
            messages.success(request, gettext("Noted."))
        except Problem as problem:
            refuse(request, problem)
        return redirect("admin:rewards_prizeclaim_change", object_id)
