from __future__ import annotations

from decimal import Decimal, InvalidOperation

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from common.admin import money
from common.problems import Problem
from loyalty.models import SegmentCondition
from loyalty.selectors import criteria
from members.models import Member

_NAMED = 5
MONEY = {SegmentCondition.Attribute.NET_CASH}


class MembersForm(forms.Form):
    """External ids, one a line or separated by commas; unknown ones are refused by name."""

    external_ids = forms.CharField(
        label=_("members' external ids"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 12}),
        help_text=_("One a line, or separated by commas."),
    )

    def clean_external_ids(self):
        names = set(self.cleaned_data["external_ids"].replace(",", " ").replace("，", " ").split())
        found = dict(Member.objects.filter(external_id__in=names).values_list("external_id", "pk"))
        unknown = sorted(names - found.keys())
        if unknown:
            shown = ", ".join(unknown[:_NAMED]) + ("…" if len(unknown) > _NAMED else "")
            raise forms.ValidationError(gettext("No such member: %s") % shown)
        return sorted(found.values())


class ConditionForm(forms.ModelForm):
    """One condition, in the words that people use; refused at once if it cannot be read."""

    class Meta:
        model = SegmentCondition
        fields = ["group", "attribute", "key", "operator", "value"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["value"] = words_of(self.instance)

    def clean(self):
        data = super().clean()
        if self.errors:
            return data
        try:
            data["value"] = _kept(data["attribute"], data["value"])
        except (InvalidOperation, ValueError):
            self.add_error("value", gettext("Write amounts of money, for example 50.00."))
            return data
        row = SegmentCondition(**{name: data[name] for name in self._meta.fields})
        segment = self.instance.segment.code if self.instance.segment_id else ""
        try:
            criteria.check(row, segment=segment)
        except Problem as problem:
            self.add_error("value", str(problem.detail))
        return data


def words_of(condition: SegmentCondition) -> str:
    """The value as people write it: money as money, tiers and stages by their names."""
    if condition.attribute in MONEY:
        return ", ".join(f"{Decimal(part).scaleb(-money.places())}" for part in _parts(condition.value))
    if condition.attribute in criteria.CHOICES:
        names = criteria.CHOICES[condition.attribute]()
        return ", ".join(names.get(part, part) for part in _parts(condition.value))
    return condition.value


def _kept(attribute: str, text: str) -> str:
    """The value as it is kept: whole minor units, and codes instead of names. Raises ValueError, InvalidOperation."""
    if attribute in MONEY:
        amounts = [Decimal(part).scaleb(money.places()) for part in _parts(text)]
        if any(amount != int(amount) for amount in amounts):
            raise ValueError(text)
        return ", ".join(str(int(amount)) for amount in amounts)
    if attribute in criteria.CHOICES:
        codes = {name.casefold(): code for code, name in criteria.CHOICES[attribute]().items()}
        return ", ".join(codes.get(part.casefold(), part) for part in _parts(text))
    return text


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.replace("，", ",").split(",") if part.strip()]
