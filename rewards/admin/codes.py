"""Codes of rewards: partners' pools filled from files, and put back by hand."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from common import clock
from common.admin import confirm, tags, words
from common.admin.base import ReadOnlyAdmin, actor, refuse
from common.admin.files import ExportAdminMixin, ImportAdminMixin, ImportResource
from common.admin.money import MoneyField, typed
from common.problems import Problem
from common.services import audit
from rewards.admin import reward_words
from rewards.models import Code, Reward
from rewards.services import code_pools

Status = Code.Status
COLOURS = {
    Status.FREE: tags.GOOD,
    Status.RESERVED: tags.WAITING,
    Status.CLAIMED: tags.NEWS,
    Status.EXPIRED: tags.BAD,
    Status.VOID: tags.BAD,
}


class CodeRow(forms.Form):
    """One line of a partner's file: for which reward, the code, its last day and its price."""

    reward = forms.CharField(max_length=60)
    code = forms.CharField(max_length=100)
    good_until = forms.DateField(required=False)
    price = MoneyField(required=False)

    def __init__(self, *args, rewards: dict[str, Reward], **kwargs):
        super().__init__(*args, **kwargs)
        self.rewards = rewards

    def clean_reward(self):
        reward = self.rewards.get(self.cleaned_data["reward"])
        if reward is None:
            raise ValidationError(gettext("There is no reward with the code %s.") % self.cleaned_data["reward"])
        if reward.codes != Reward.Codes.PARTNER:
            raise ValidationError(gettext("%s takes no codes from a partner.") % reward)
        return reward

    def clean_good_until(self):
        day = self.cleaned_data["good_until"]
        if day and day < clock.local_date(timezone.now()):
            raise ValidationError(gettext("This day is over."))
        return day


class CodeResource(ImportResource):
    """Reward, code, last day, price: in. What is handed out goes out with its state."""

    row_form = CodeRow
    taken = 0
    reward = Field("reward__code", "reward")
    good_until = Field("expires_at", "good_until")

    class Meta:
        model = Code
        name = _("reward codes")
        fields = ("reward", "code", "good_until", "price", "status", "claimed_at")
        import_id_fields = ("code",)
        force_init_instance = True
        use_bulk = True

    def dehydrate_good_until(self, code):
        return words.last_day(code.expires_at).isoformat() if code.expires_at else ""

    def dehydrate_price(self, code):
        return typed(code.price)

    def prepare(self, dataset):
        """The rewards that the file names, and the codes of them that are known."""
        self.rewards = {reward.code: reward for reward in Reward.objects.filter(code__in=set(dataset["reward"]))}
        known = Code.objects.filter(reward__in=self.rewards.values(), code__in=[str(code) for code in dataset["code"]])
        self.known = set(known.values_list("reward_id", "code"))

    def form_options(self):
        return {"rewards": self.rewards}

    def fill(self, instance, data):
        reward, code = data["reward"], data["code"]
        if (reward.pk, code) in self.known:
            raise ValidationError({"code": gettext("This code is known already, or stands in an earlier line.")})
        self.known.add((reward.pk, code))
        instance.reward, instance.code = reward, code
        instance.expires_at = clock.day_end(data["good_until"]) if data["good_until"] else None
        instance.price = reward.unit_cost if data["price"] is None else data["price"]

    def bulk_create(self, using_transactions, dry_run, raise_errors, batch_size=None, result=None):
        new = [code_pools.NewCode(row.reward, row.code, row.expires_at, row.price) for row in self.create_instances]
        self.taken += len(new)
        self.create_instances.clear()
        code_pools.add(new, timezone.now())

    def after_import(self, dataset, result, **kwargs):
        summary = gettext("Imported %d codes.") % self.taken
        audit.record(self.actor, "rewards.code_pools.import", None, summary, timezone.now())


class UnassignForm(forms.Form):
    reason = forms.CharField(
        label=_("reason"),
        max_length=300,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("For example what the partner answered. The audit log keeps it."),
    )


@admin.register(Code)
class CodeAdmin(ImportAdminMixin, ExportAdminMixin, ReadOnlyAdmin):
    """Every code, in the pool or handed out."""

    import_export_change_list_template = "admin/import_export/change_list_import_export.html"
    import_permission = "rewards.import_code"
    resource_classes = [CodeResource]
    empty = _("No code yet. Import a partner's codes from a file; our own are made when they are handed out.")
    list_display = ["code", "of_reward", "status_label", "holder", "claimed_at", "good_until", "worth"]
    list_filter = ["status", "reward"]
    list_select_related = ["reward", "redemption__member", "claim__purchase__member"]
    search_fields = [
        "=code",
        "=redemption__uuid",
        "=redemption__member__external_id",
        "=claim__purchase__member__external_id",
    ]
    search_help_text = _("A whole code, or a member's external id.")
    fields = [
        "code", "of_reward", "status_label", "holder", "redemption", "claim", "worth", "added_at", "claimed_at", "good_until",
        "settlement",
    ]  # fmt: skip
    readonly_fields = ["of_reward", "status_label", "holder", "worth", "good_until"]
    actions_detail = ["unassign"]

    @admin.display(description=_("reward"), ordering="reward__name")
    def of_reward(self, code):
        return reward_words.badge(code.reward)

    @tags.tagged(_("status"), COLOURS)
    def status_label(self, code):
        return code.status, code.get_status_display()

    @admin.display(description=_("member"))
    def holder(self, code):
        held_by = code.redemption or (code.claim and code.claim.purchase)
        return words.link(held_by.member) if held_by else "–"

    @admin.display(description=_("good until"), ordering="expires_at")
    def good_until(self, code):
        return reward_words.until(code.expires_at)

    @admin.display(description=_("contract price"), ordering="price")
    def worth(self, code):
        return words.money(code.price)

    def has_unassign_permission(self, request: HttpRequest, object_id=None) -> bool:
        given = Code.objects.filter(
            pk=object_id, reward__codes=Reward.Codes.PARTNER, status__in=[Status.CLAIMED, Status.VOID], settlement=None
        )
        return request.user.has_perm("rewards.unassign_code") and given.exists()

    @action(description=_("Put back into the pool"), icon="undo", permissions=["unassign"])
    def unassign(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Take an unused code from who has it, with a reason."""
        code = get_object_or_404(
            Code.objects.select_related("reward", "redemption__member", "claim__purchase__member"), pk=object_id
        )
        form = UnassignForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                code_pools.unassign(code, reason=form.cleaned_data["reason"], actor=actor(request), at=timezone.now())
                messages.success(request, gettext("The code is back in the pool."))
            except Problem as problem:
                refuse(request, problem)
            return redirect("admin:rewards_code_change", object_id)
        says = [gettext("Whoever had the code has seen it: do this only if the partner confirms that it is not used.")]
        if code.redemption and code.status == Status.CLAIMED:
            says.append(gettext("The redemption is returned, and its points go back to the lots they came from."))
        if code.claim and code.status == Status.CLAIMED:
            says.append(gettext("The plan's right that it was claimed with can be claimed again."))
        facts = [(gettext("Reward"), code.reward), (gettext("Member"), self.holder(code))]
        title = gettext("Put this code back into the pool?")
        submit = gettext("Put back")
        return confirm.page(self, request, code, title=title, says=says, facts=facts, form=form, submit=submit)
