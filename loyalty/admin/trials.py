"""Test this rule on an order: what each rule gives, what is capped or refused, and why."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from common import clock
from common.admin import confirm, money, words
from common.admin.base import refuse
from common.problems import Problem
from loyalty.admin import sentences
from loyalty.models import CustomEventType, EarningRuleVersion, Order, Wallet
from loyalty.services import trials
from loyalty.services.earning import Evaluation
from loyalty.services.occasions import Item, Occasion
from loyalty.services.rules import RuleBook


def _text(label, required=False, **kwargs):
    return forms.CharField(label=label, required=required, widget=UnfoldAdminTextInputWidget, **kwargs)


class OccasionForm(forms.Form):
    """A made-up event, or the code of a real order."""

    order = _text(_("a real order"), help_text=_("Its code; then nothing else needs to be filled in."))
    event_type = forms.ChoiceField(label=_("when"), widget=UnfoldAdminSelectWidget, required=False)
    member = _text(_("member"), help_text=_("External id; empty: somebody new."))
    channel = _text(_("channel"), help_text=_("For example app."))
    at = forms.DateTimeField(
        label=_("time"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        help_text=_("Empty: now."),
    )
    streak = forms.IntegerField(
        label=_("days in a row"),
        required=False,
        min_value=0,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("For check-ins."),
    )
    photos = forms.IntegerField(
        label=_("photos"),
        required=False,
        min_value=0,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("For reviews."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        own = CustomEventType.objects.filter(is_active=True).values_list("name", flat=True)
        self.fields["event_type"].choices = [*sentences.EVENTS.items(), *((name, name) for name in own)]

    def clean_order(self):
        code = self.cleaned_data["order"]
        if not code:
            return None
        order = (
            Order.objects.select_related("member__standing__tier", "member__wallet")
            .prefetch_related("lines")
            .filter(code=code)
            .first()
        )
        if order is None:
            raise forms.ValidationError(gettext("No such order."))
        return order

    def clean_member(self):
        external_id = self.cleaned_data["member"]
        wallet = Wallet.objects.select_related("member__standing__tier").filter(member__external_id=external_id).first()
        if external_id and wallet is None:
            raise forms.ValidationError(gettext("No such member."))
        return wallet


class LineForm(forms.Form):
    """One line of a made-up order."""

    cash = money.MoneyField(label=_("cash"), required=False)
    category = _text(_("category"))
    store = _text(_("store"))
    sku = _text(_("SKU"))
    quantity = forms.IntegerField(
        label=_("quantity"), min_value=1, initial=1, required=False, widget=UnfoldAdminIntegerFieldWidget
    )
    virtual = forms.BooleanField(label=_("virtual"), required=False, widget=UnfoldBooleanWidget)


LineFormSet = forms.formset_factory(LineForm, extra=1, max_num=50)


def page(model_admin: ModelAdmin, request: HttpRequest, version: EarningRuleVersion | None) -> HttpResponse:
    """The test panel; `version` (a draft too) stands in the place of its rule's other versions."""
    data = request.POST or None
    form = OccasionForm(data, initial={"event_type": version.event_type if version else "order.completed"})
    lines = LineFormSet(data, prefix="lines", initial=None if data else [{"cash": 10000, "quantity": 1}])
    context: dict = {"lines": lines, "version": version}
    if data and form.is_valid() and lines.is_valid():
        try:
            context |= _answer(form, lines, version, timezone.now())
        except Problem as problem:
            refuse(request, problem)
    says = [gettext("Tested with: %s") % sentences.say(version, version.conditions.all())] if version else []
    title = gettext("Test this rule on an order") if version else gettext("Test the rules in force")
    return confirm.page(
        model_admin,
        request,
        version,
        title=title,
        says=says,
        submit=gettext("Test"),
        form=form,
        template="loyalty/trial.html",
        **context,
    )


def _answer(form: OccasionForm, lines, version: EarningRuleVersion | None, now: dt.datetime) -> dict:
    """What the rules say, as the template shows it."""
    draft = version and EarningRuleVersion.objects.select_related("rule", "campaign").get(pk=version.pk)
    book = trials.book(draft)
    order = form.cleaned_data["order"]
    occasion = (
        trials.of_order(order, book, now) if order else _made_up(form.cleaned_data, lines.cleaned_data, book, now)
    )
    evaluation = trials.run(occasion, book)
    return {
        "occasion": occasion,
        "order": order,
        "total": trials.net(evaluation),
        "rows": rows(evaluation, version),
        "items": _items(evaluation, occasion),
    }


def _made_up(data: dict, lines: list[dict], book: RuleBook, now: dt.datetime) -> Occasion:
    filled = [line for line in lines if line.get("cash") is not None]
    at = data["at"] or now
    facts = trials.facts_of(data["member"], book, at, {line["category"] for line in filled})
    facts.streak, facts.photos = data["streak"] or 0, data["photos"] or 0
    items = [
        Item(
            number=str(number),
            sku=line["sku"],
            category=line["category"],
            store=line["store"],
            quantity=line["quantity"] or 1,
            cash=line["cash"],
            virtual=line["virtual"],
            new_category=line["category"] in facts.new_categories,
        )
        for number, line in enumerate(filled, 1)
    ]
    return Occasion(data["event_type"], at, clock.local(at), facts, data["channel"], {}, items)


def rows(evaluation: Evaluation, tested: EarningRuleVersion | None) -> list[dict]:
    """One row a rule: what it gives and why; the rule being tested first, then those that pay."""
    answered = sorted(
        evaluation.traces,
        key=lambda trace: (tested is None or trace.version.rule_id != tested.rule_id, -trace.points),
    )
    capped = {id(missed.version) for missed in evaluation.missed}
    return [
        {
            "version": trace.version,
            "tested": tested is not None and trace.version.rule_id == tested.rule_id,
            "points": -trace.points if trace.version.formula == EarningRuleVersion.Formula.PENALTY else trace.points,
            "words": trace.words,
            "colour": "wait" if id(trace.version) in capped else "ok" if trace.points else "",
        }
        for trace in answered
    ]


def _items(evaluation: Evaluation, occasion: Occasion) -> list[dict]:
    """The points that fall on each line."""
    points = {id(item): 0 for item in occasion.items}
    for award in evaluation.awards:
        for item, share in zip(award.items, award.shares, strict=False):
            points[id(item)] += share
    return [{"item": item, "cash": words.money(item.cash), "points": points[id(item)]} for item in occasion.items]
