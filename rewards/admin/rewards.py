"""The catalogue: what points are exchanged for, what it costs, and how a member sees it."""

from __future__ import annotations

import functools

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, OuterRef, Q, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action

from common.admin import confirm, tags, words
from common.admin.base import HistoryAdmin, actor, refuse
from common.admin.files import ExportAdminMixin, ImportAdminMixin
from common.admin.money import ReadableMoneyMixin
from common.admin.preview import PreviewMixin
from common.admin.seen import SeenForm, agreed, whole
from common.problems import Problem
from loyalty.selectors import programme as programmes
from rewards.admin import reward_words, sponsorships
from rewards.admin.reward_files import RewardResource
from rewards.admin.reward_forms import PriceForm, RewardForm
from rewards.models import Code, Reward, RewardPrice
from rewards.models.coupons import TERMS
from rewards.selectors import catalogue
from rewards.services import rewards

Status = Reward.Status


class PriceInline(ReadableMoneyMixin, TabularInline):
    model = RewardPrice
    form = PriceForm
    extra = 0
    verbose_name_plural = _("Special prices: the lowest a member has a right to wins")


@admin.register(Reward)
class RewardAdmin(PreviewMixin, ImportAdminMixin, ExportAdminMixin, HistoryAdmin):
    """Rewards are written by one person and activated by another."""

    empty = _("No reward yet. A reward is what members exchange points for: a coupon, a gift, a partner's right.")
    import_export_change_list_template = "admin/import_export/change_list_import_export.html"
    import_permission = "rewards.add_reward"
    resource_classes = [RewardResource]
    form = RewardForm
    preview_template = "rewards/reward_preview.html"
    list_display = ["looks", "kind", "status_label", "price", "ratio", "cost", "paid_by", "stock_bar", "taken"]
    list_display_links = ["looks"]
    list_filter = ["status", "kind", "merchant", "partner"]
    list_select_related = ["merchant"]
    search_fields = ["name", "code", "description"]
    search_help_text = _("A name, a code, or words of the description.")
    prepopulated_fields = {"code": ["name"]}
    autocomplete_fields = ["merchant"]
    inlines = [PriceInline]
    actions_detail = ["activate", "retire"]
    terms = {
        "fields": [
            ("off_amount", "least_spend"),
            ("off_percent", "off_most"),
            ("only_categories", "only_stores", "only_skus"),
        ]
    }
    fieldsets = [
        (None, {"fields": [("name", "code"), "description", ("symbol", "colour"), "picture"]}),
        (_("What is handed out"), {"fields": [("kind", "codes"), ("partner", "plan"), "validity_days"]}),
        (
            _("What the coupon takes off"),
            terms,
        ),
        (
            _("Price and cost"),
            {"fields": [("points", "cash"), ("unit_cost", "perceived_value"), ("merchant", "merchant_percent")]},
        ),
        (
            _("For whom, when, how many"),
            {
                "fields": [
                    ("least_tier", "segment"),
                    "category",
                    ("visible_from", "visible_until"),
                    ("available_from", "available_until"),
                    "stock",
                    ("limit_day", "limit_month", "limit_ever"),
                ]
            },
        ),
        (_("Where it stands"), {"fields": ["status_label", "stock_bar", "taken", ("created_by", "activated_by")]}),
    ]
    readonly_fields = ["says", "status_label", "stock_bar", "taken", "created_by", "activated_by"]
    conditional_fields = {
        "codes": "kind == 'coupon'",
        "partner": "kind == 'partner' || (kind == 'coupon' && codes == 'partner')",
        "plan": "kind == 'plan'",
        "merchant_percent": "merchant != ''",
        **dict.fromkeys(TERMS, "kind == 'coupon'"),
    }

    def get_urls(self):
        """Beside the list: what sponsors' money brought."""
        page = self.admin_site.admin_view(functools.partial(sponsorships.view, self))
        return [path("sponsors/", page, name="rewards_reward_sponsors"), *super().get_urls()]

    def get_queryset(self, request):
        kept = ~Q(redemptions__status__in=catalogue.GONE)
        pool = catalogue.free_codes(timezone.now()).filter(reward=OuterRef("pk")).order_by().values("reward")
        return (
            super()
            .get_queryset(request)
            .annotate(taken_total=Count("redemptions", filter=kept), pool_total=Subquery(pool.values(n=Count("pk"))))
        )

    def get_fieldsets(self, request, obj=None):
        """What a coupon that somebody has takes off is read in a sentence; nothing else takes anything off."""
        if obj is None:
            return self.fieldsets[:-1]
        if not self._is_out(obj):
            return self.fieldsets
        read = [(_("What the coupon takes off"), {"fields": ["says"]})] if obj.kind == Reward.Kind.COUPON else []
        first, handed_out, _terms, *rest = self.fieldsets
        return [first, handed_out, *read, *rest]

    @staticmethod
    def _is_out(reward) -> bool:
        """Whether members or partners hold some of it in their hands."""
        return bool(reward.taken_total) or reward.code_set.exists()

    def get_readonly_fields(self, request, obj=None):
        """What members or partners hold in their hands stands fast."""
        fast = ["kind", "codes", "partner", "plan", *TERMS] if obj and self._is_out(obj) else []
        return [*self.readonly_fields, *(["code"] if obj else []), *fast]

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def has_delete_permission(self, request, obj=None):
        """Rewards are retired, not deleted: redemptions name them."""
        return False

    def has_activate_permission(self, request: HttpRequest, object_id=None) -> bool:
        waiting = Reward.objects.filter(pk=object_id).exclude(status=Status.ACTIVE)
        return request.user.has_perm("rewards.activate_reward") and waiting.exists()

    def has_retire_permission(self, request: HttpRequest, object_id=None) -> bool:
        active = Reward.objects.filter(pk=object_id, status=Status.ACTIVE)
        return request.user.has_perm("rewards.activate_reward") and active.exists()

    def save_model(self, request, obj, form, change):
        """The counters of the stock are written by conditional updates only: a form never touches them."""
        self._changed(request, obj, set(form.changed_data))
        obj._history_user = request.user
        if change:
            saved = [name for name in form.cleaned_data if name in RewardForm.Meta.fields]
            obj.save(update_fields=[*saved, "status", "created_by"])
        else:
            obj.save()

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        if change and any(formset.has_changed() for formset in formsets):
            self._changed(request, form.instance, {"prices"})
            form.instance.save(update_fields=["status", "created_by"])

    def _changed(self, request, reward, fields):
        if rewards.changed(reward, request.user, fields):
            messages.warning(
                request, gettext("The reward is a draft until somebody else activates it with these changes.")
            )

    # What it shows ------------------------------------------------------------------------------------------

    @admin.display(description=_("reward"), ordering="name")
    def looks(self, reward):
        return reward_words.badge(reward)

    @tags.tagged(_("status"), {Status.DRAFT: tags.WAITING, Status.ACTIVE: tags.GOOD, "hidden": tags.NEWS})
    def status_label(self, reward):
        if reward.status == Status.ACTIVE and not reward.is_visible(timezone.now()):
            return "hidden", gettext("Active, not visible")
        return reward.status, reward.get_status_display()

    @admin.display(description=_("what it says"))
    def says(self, reward):
        return reward_words.coupon(reward) or gettext("Nothing, so the checkout quote cannot count it.")

    @admin.display(description=_("price"), ordering="points")
    def price(self, reward):
        return reward_words.price(reward.points, reward.cash)

    @admin.display(description=_("perceived value : cost"))
    def ratio(self, reward):
        return reward_words.ratio(reward)

    @admin.display(description=_("cost of one"), ordering="unit_cost")
    def cost(self, reward):
        return words.money(reward.unit_cost)

    @admin.display(description=_("paid by"))
    def paid_by(self, reward):
        return reward_words.payer(reward)

    @admin.display(description=_("stock"), ordering="stock")
    def stock_bar(self, reward):
        """Of a partner's codes there are as many as its pool holds."""
        if reward.codes != Reward.Codes.PARTNER:
            return reward_words.stock(reward)
        pool = words.number(reward.pool_total or 0)
        said = format_html(
            '<small class="{}">{}</small>',
            "" if reward.pool_total else "lp-minus",
            gettext("%s codes in the pool") % pool,
        )
        return said if reward.stock is None else format_html("{} {}", reward_words.stock(reward), said)

    @admin.display(description=_("taken"), ordering="taken_total")
    def taken(self, reward):
        found = reverse("admin:rewards_redemption_changelist", query={"reward__id__exact": reward.pk})
        return format_html('<a class="lp-link" href="{}">{}</a>', found, words.number(reward.taken_total))

    def preview(self, obj, inlines):
        """How a member sees it, and what one costs."""
        programme = programmes.current()
        rows = list(obj.prices.select_related("tier", "segment", "plan")) if inlines is None else inlines
        return {
            "reward": obj,
            "picture": reward_words.picture(obj),
            "coupon": reward_words.coupon(obj),
            "price": reward_words.price(obj.points, obj.cash),
            "prices": reward_words.prices(rows),
            "conditions": reward_words.conditions(obj, reward_words.least_tier(obj)),
            "costs": reward_words.costs(obj, programme),
            "warnings": reward_words.warnings(obj, programme),
            "pool": words.number(catalogue.free_codes(timezone.now()).filter(reward=obj).count())
            if obj.pk and obj.codes == Reward.Codes.PARTNER
            else "",
        }

    # What it does -------------------------------------------------------------------------------------------

    @action(description=_("Activate"), icon="play_circle", permissions=["activate"])
    def activate(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Put the reward into the catalogue, after asking; by another person than its author."""
        reward = get_object_or_404(Reward.objects.select_related("merchant"), pk=object_id)
        if request.method == "POST":
            with transaction.atomic():
                draft = agreed(request, reward, _mark)
                if draft is not None:
                    return self._do(request, draft, rewards.activate, gettext("The reward is in the catalogue."))
            reward.refresh_from_db()
        return self._ask_to_activate(request, reward)

    def _ask_to_activate(self, request, reward):
        says = [gettext("Members see it in its visibility window and can take it in its availability window.")]
        says += reward_words.warnings(reward, programmes.current())
        facts = [
            (gettext("Price"), reward_words.price(reward.points, reward.cash)),
            *([(gettext("What the coupon takes off"), reward_words.coupon(reward))] if reward.says_terms else []),
            *reward_words.costs(reward, programmes.current()),
            (gettext("Stock"), reward_words.stock(reward)),
            (gettext("Last changed by"), reward.created_by or "–"),
        ]
        return confirm.page(
            self,
            request,
            reward,
            title=gettext("Activate this reward?"),
            says=says,
            facts=facts,
            form=SeenForm(initial={"seen": _mark(reward)}),
            submit=gettext("Activate"),
        )

    @action(description=_("Retire"), icon="archive", permissions=["retire"])
    def retire(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Take the reward out of the catalogue, after asking."""
        reward = get_object_or_404(Reward, pk=object_id)
        if request.method == "POST":
            return self._do(request, reward, rewards.retire, gettext("The reward is retired."))
        free = Code.objects.filter(reward=reward, status=Code.Status.FREE).count()
        says = [gettext("From now on nobody can take it. What members have taken stays good.")]
        if free:
            says.append(gettext("%s codes stay in its pool.") % words.number(free))
        title = gettext("Retire this reward?")
        return confirm.page(self, request, reward, title=title, says=says, submit=gettext("Retire"))

    def _do(self, request, reward, verb, done):
        try:
            verb(reward, actor(request), timezone.now())
            messages.success(request, done)
        except Problem as problem:
            refuse(request, problem)
        return redirect("admin:rewards_reward_change", reward.pk)


def _mark(reward: Reward) -> str:
    return whole(reward, *reward.prices.order_by("pk"))
