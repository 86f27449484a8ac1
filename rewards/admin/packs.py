"""What benefits hand out, and what of it members were given or are still owed."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export import resources
from unfold.admin import TabularInline
from unfold.decorators import action

from common.admin import confirm, jobs, tags, words
from common.admin.base import ReadOnlyAdmin, actor
from common.admin.files import ExportAdminMixin
from common.services import audit
from rewards.admin import benefit_words, redemptions, reward_words
from rewards.models import PackGift, PackItem, Reward, given_benefits
from rewards.selectors import packs as selector
from rewards.selectors.packs import PREFIX
from rewards.services import gifts, packs

jobs.register(packs.JOB, _("Packs of rewards are handed out"), packs.hand_out)


class PackItemForm(forms.ModelForm):
    class Meta:
        model = PackItem
        fields = ["reward", "quantity", "least_tier"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "reward" in self.fields:
            self.fields["reward"].queryset = Reward.objects.filter(kind__in=gifts.KINDS).exclude(status="retired")


class PackItemInline(TabularInline):
    """Two persons agreed to a grant with these contents, so they stand fast as long as it gives."""

    model = PackItem
    form = PackItemForm
    extra = 0
    verbose_name_plural = _("Handed out once a period (stands fast as long as a grant gives the benefit)")

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("reward", "least_tier")

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """Rewards and tiers are made on their own pages."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.is_relation and field is not None:
            for deed in ("add", "change", "delete", "view"):
                setattr(field.widget, f"can_{deed}_related", False)
        return field

    def has_add_permission(self, request, obj=None):
        return super().has_add_permission(request, obj) and not _is_given(obj)

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and not _is_given(obj)

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and not _is_given(obj)


def _is_given(benefit) -> bool:
    return benefit is not None and given_benefits().filter(pk=benefit.pk).exists()


class OwedFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("owed", _("Still owed")), ("given", _("Given"))]

    def queryset(self, request, queryset):
        return queryset.filter(redemption__isnull=self.value() == "owed") if self.value() else queryset


class PackGiftResource(resources.ModelResource):
    class Meta:
        model = PackGift
        fields = (
            "use__member__external_id", "use__benefit__code", "use__key", "use__at", "reward__code", "redemption__uuid",
            "redemption__status",
        )  # fmt: skip


@admin.register(PackGift)
class PackGiftAdmin(ExportAdminMixin, ReadOnlyAdmin):
    """Every gift of every pack; what is owed waits for codes or stock, and is tried again each night or by the button."""

    resource_classes = [PackGiftResource]
    empty = _("No pack was handed out yet. Give a benefit contents, then grant it; the night hands the packs out.")
    list_display = ["opened_at", "who", "benefit", "period", "what", "state_label"]
    list_display_links = ["opened_at"]
    list_filter = [OwedFilter, "use__benefit", "reward"]
    list_select_related = ["use__member", "use__benefit", "reward", "redemption"]
    search_fields = ["=use__member__external_id", "reward__name", "reward__code"]
    search_help_text = _("A member's external id, or a reward.")
    date_hierarchy = "use__at"
    fields = ["opened_at", "who", "benefit", "period", "what", "state_label"]
    readonly_fields = fields
    actions_list = ["hand_out"]

    def has_hand_out_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("common.run_jobrun")

    @admin.display(description=_("handed out at"), ordering="use__at")
    def opened_at(self, gift):
        return words.instant(gift.use.at)

    @admin.display(description=_("member"), ordering="use__member__external_id")
    def who(self, gift):
        return words.link(gift.use.member)

    @admin.display(description=_("benefit"), ordering="use__benefit__name")
    def benefit(self, gift):
        return benefit_words.badge(gift.use.benefit)

    @admin.display(description=_("period"))
    def period(self, gift):
        return benefit_words.window(gift.use.key.removeprefix(PREFIX))

    @admin.display(description=_("reward"), ordering="reward__name")
    def what(self, gift):
        return reward_words.badge(gift.reward)

    @tags.tagged(_("state"), {"owed": tags.BAD, **redemptions.COLOURS})
    def state_label(self, gift):
        if gift.redemption is None:
            return "owed", gettext("Owed: nothing was left")
        return gift.redemption.status, gift.redemption.get_status_display()

    @action(description=_("Hand out now"), icon="redeem", permissions=["hand_out"])
    def hand_out(self, request: HttpRequest) -> HttpResponse:
        """Hand out what is due and what is owed, after saying how much that is."""
        now = timezone.now()
        if request.method == "POST":
            run = packs.hand_out(now, now, requested_by=request.user)
            summary = gettext("Handed out: %s") % jobs.say(run.counts)
            audit.record(actor(request), "rewards.packs.hand_out", run, summary, now)
            messages.success(request, summary)
            return redirect("admin:rewards_packgift_changelist")
        rows = selector.owed().values("reward__name").annotate(count=Count("pk")).order_by("reward__name")
        facts = [(row["reward__name"], gettext("%s owed") % words.number(row["count"])) for row in rows]
        says = [
            gettext("Members who have the benefit and had no pack in this period get it."),
            gettext("What is owed is given as far as there are codes and stock: import codes first."),
        ]
        title = gettext("Hand out packs now?")
        return confirm.page(self, request, None, title=title, says=says, facts=facts, submit=gettext("Hand out"))
