from __future__ import annotations

import datetime as dt

from django import forms
from django.contrib import admin
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from common import clock
from common.admin import words
from common.admin.base import HistoryAdmin, NumberListField
from common.admin.money import MoneyField
from common.admin.preview import PreviewMixin
from loyalty.models import Expiry, Programme
from loyalty.selectors import programme as programmes
from loyalty.services import expiry, rules

_EXAMPLES = [2000, 4000, 9990, 100000]


class ProgrammeForm(forms.ModelForm):
    """The rules of the house; money is typed as money, days as a list of numbers."""

    point_value_money = MoneyField(label=_("… are worth"), min_value=0, help_text=_("JD: 1 point = 0.01."))
    review_min_unit_price = MoneyField(label=_("least discounted price of a reviewed unit"))
    reminder_days = NumberListField(
        label=_("remind of expiry (days before)"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("For example 30, 7, 1."),
    )
    like_check_days = NumberListField(
        label=_("count likes after (days)"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("For example 7, 30: likes pay only after a hold."),
    )

    class Meta:
        model = Programme
        exclude: list[str] = []

    def clean_point_value_money(self):
        value = self.cleaned_data["point_value_money"]
        if not value:
            raise forms.ValidationError(gettext("Points are worth something."))
        return value

    def clean(self):
        data = super().clean()
        policy = data.get("expiry")
        if policy == Expiry.CAMPAIGN:
            self.add_error("expiry", gettext("Only the points of a campaign's rules can expire with a campaign."))
        if policy in (Expiry.DAYS, Expiry.SLIDING) and not data.get("expiry_count"):
            self.add_error("expiry_count", gettext("Say after how many days."))
        if policy == Expiry.FIXED_DATE and not data.get("expiry_date"):
            self.add_error("expiry_date", gettext("Say on which date."))
        return data


@admin.register(Programme)
class ProgrammeAdmin(PreviewMixin, HistoryAdmin):
    """One page of settings, and beside it what they mean in practice."""

    form = ProgrammeForm
    preview_template = "loyalty/programme_preview.html"
    fieldsets = [
        (_("The points"), {"fields": [("name", "unit_name"), ("point_value_points", "point_value_money")]}),
        (
            _("Paying with points"),
            {"fields": [("tender_step", "tender_cap_percent"), "hold_minutes"]},
        ),
        (
            _("Expiry"),
            {
                "fields": [
                    "expiry",
                    ("expiry_count", "expiry_date"),
                    "reminder_days",
                    ("rescue_days", "refund_grace_days"),
                ]
            },
        ),
        (
            _("Refunds: points that must come back are taken first from what the order earned"),
            {"fields": ["clawback_other_lots", "clawback_cash", "clawback_debt"]},
        ),
        (_("Refunds: freight"), {"fields": ["charge_freight"]}),
        (_("Tiers"), {"fields": ["review_needs_approval"]}),
        (_("Members"), {"fields": ["register_unknown_members", "transfers_allowed", "gifts_allowed"]}),
        (
            _("Reviews"),
            {
                "fields": [
                    "review_min_unit_price",
                    ("review_window_days", "review_repeat_days"),
                    "like_check_days",
                    "like_min_account_days",
                ]
            },
        ),
    ]
    conditional_fields = {
        "expiry_count": "['days', 'sliding', 'end_of_month', 'end_of_quarter'].includes(expiry)",
        "expiry_date": "expiry == 'fixed_date'",
    }

    def changelist_view(self, request, extra_context=None):
        """There is one row: go there."""
        return redirect("admin:loyalty_programme_change", programmes.current().pk)

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def save_model(self, request, obj, form, change):
        # The revision of the rules is not this form's: a rule put in force meanwhile must not be forgotten.
        obj._history_user = request.user
        obj.save(update_fields=[field for field in form.fields if field in form.cleaned_data])
        rules.changed()

    def preview(self, obj, inlines):
        """What the settings mean today: until when points are good, and what points may pay."""
        now = timezone.now()
        return {
            "programme": obj,
            "expires": _last_day(obj, now),
            "value": words.money(obj.point_value_money),
            "examples": [(words.money(cash), *_tender(obj, cash)) for cash in _EXAMPLES],
            "least": words.money(_least(obj)),
        }


def _last_day(programme: Programme, now) -> str:
    tz = timezone.get_default_timezone()
    try:
        deadline = expiry.expires_at(programme.expiry, programme.expiry_count, programme.expiry_date, now, tz=tz)
    except ValueError:
        return ""
    return words.day(clock.local_date(deadline - dt.timedelta(microseconds=1)))


def _tender(programme: Programme, cash: int) -> tuple[str, str]:
    """How many points may pay an order of so much, and what they are worth (domain.md F9)."""
    most = programmes.points_of(programme, cash * programme.tender_cap_percent // 100)
    step = programmes.step_of(programme)
    points = most // step * step
    return words.number(points), words.money(programmes.money_of(programme, points))


def _least(programme: Programme) -> int | None:
    """The smallest order that points can help to pay."""
    if not programme.tender_cap_percent:
        return None
    worth = programmes.money_of(programme, programmes.step_of(programme))
    return -(-worth * 100 // programme.tender_cap_percent)
