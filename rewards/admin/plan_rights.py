"""Partners' rights that members claimed with their plans: looked at, taken along for the partner, taken back."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export import resources
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from common.admin import confirm, tags, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.admin.files import ExportAdminMixin
from common.admin.filters import whether
from common.problems import Problem
from rewards.admin import reward_words
from rewards.models import RightClaim
from rewards.services import plan_rights


class WithdrawForm(forms.Form):
    reason = forms.CharField(
        label=_("reason"),
        max_length=300,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("For example what the partner answered. The audit log keeps it."),
    )


class ClaimResource(resources.ModelResource):
    """What a partner needs to switch rights on: our code, and the account."""

    class Meta:
        model = RightClaim
        fields = ("right__reward__code", "code__code", "account", "claimed_at", "expires_at", "withdrawn_at")


@admin.register(RightClaim)
class RightClaimAdmin(ExportAdminMixin, ReadOnlyAdmin):
    """What members claimed of partners with their plans."""

    resource_classes = [ClaimResource]
    empty = _("Nobody has claimed a partner's right yet. Rights are added to an offer of a plan while it is a draft.")
    list_display = ["member", "reward", "state", "way", "account", "claimed_at", "good_until", "price_words"]
    list_filter = ["right__reward", "right__way", whether("withdrawn_at", _("Taken back"), _("Claimed"))]
    list_select_related = ["right__reward", "purchase__member", "code"]
    search_fields = ["=purchase__member__external_id", "purchase__member__name", "=code__code", "=account"]
    search_help_text = _("A member's external id or name, a whole code, or an account at the partner's.")
    date_hierarchy = "claimed_at"
    actions_detail = ["withdraw"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("member", "reward"),
                    ("state", "purchase"),
                    ("way", "account"),
                    ("code_words", "price_words"),
                ]
            },
        ),
        (_("When"), {"fields": [("claimed_at", "good_until"), ("withdrawn_at", "withdrawn_because")]}),
    ]
    readonly_fields = ["member", "reward", "state", "way", "good_until", "price_words", "code_words"]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("right__reward", "right__offer", "purchase__member", "code")

    def has_withdraw_permission(self, request: HttpRequest, object_id=None) -> bool:
        stands = RightClaim.objects.filter(pk=object_id, withdrawn_at=None).exists()
        return stands and request.user.has_perm("rewards.withdraw_rightclaim")

    @admin.display(description=_("member"), ordering="purchase__member__external_id")
    def member(self, claim):
        return words.link(claim.purchase.member)

    @admin.display(description=_("partner's right"), ordering="right__reward__name")
    def reward(self, claim):
        return reward_words.badge(claim.right.reward)

    @tags.tagged(_("state"), {"claimed": tags.GOOD, "over": tags.WAITING, "withdrawn": tags.BAD})
    def state(self, claim):
        if claim.withdrawn_at:
            return "withdrawn", gettext("Taken back")
        over = claim.expires_at is not None and claim.expires_at <= timezone.now()
        return ("over", gettext("Over")) if over else ("claimed", gettext("Claimed"))

    @admin.display(description=_("how it is claimed"), ordering="right__way")
    def way(self, claim):
        return claim.right.get_way_display()

    @admin.display(description=_("good until"), ordering="expires_at")
    def good_until(self, claim):
        return reward_words.until(claim.expires_at)

    @admin.display(description=_("deducted from a refund"))
    def price_words(self, claim):
        return words.money(claim.right.price)

    @admin.display(description=_("reward code"))
    def code_words(self, claim):
        code = getattr(claim, "code", None)
        return words.link(code, reward_words.masked(code.code)) if code else "–"

    @action(description=_("Take back"), icon="undo", permissions=["withdraw"], url_path="withdraw")
    def withdraw(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Take an unused right back, with a reason."""
        claim = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = WithdrawForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                reason = form.cleaned_data["reason"]
                plan_rights.withdraw(claim.uuid, reason=reason, actor=actor(request), at=timezone.now())
                messages.success(request, gettext("Taken back. It is not owed for, and the member can claim it again."))
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:rewards_rightclaim_change", object_id)
        return confirm.page(
            self,
            request,
            claim,
            title=gettext("Take this right back?"),
            says=[
                gettext("The member has seen the code: do this only if the partner confirms that it is not used."),
                gettext(
                    "The partner gets nothing for it, a refund of the plan deducts nothing, and it can be claimed again."
                ),
            ],
            facts=[
                (gettext("Member"), self.member(claim)),
                (gettext("Partner's right"), claim.right.reward),
                (gettext("Claimed"), words.instant(claim.claimed_at)),
            ],
            submit=gettext("Take back"),
            form=form,
        )
