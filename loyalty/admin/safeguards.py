"""Those of the nine rules against abuse (domain.md S2-51…56) that live on this floor: how they are set, and what they did."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin import words
from loyalty.models import EarningRuleVersion, Refund, Review, ReviewLike, Shortfall
from loyalty.selectors import programme as programmes
from members.admin.safeguards import Safeguard, register

PROGRAMME = "loyalty_programme_changelist"
Formula, Reason = EarningRuleVersion.Formula, Shortfall.Reason


def _running() -> list[EarningRuleVersion]:
    return list(EarningRuleVersion.objects.filter(status=EarningRuleVersion.Status.ACTIVE))


def _clawback() -> str:
    return gettext("Always on: points and growth of what was returned are taken back.")


def _clawed(since: dt.datetime) -> int:
    return Refund.objects.filter(at__gt=since, clawed_back__gt=0).count()


def _likes() -> str:
    found = sum(version.formula == Formula.LIKES for version in _running())
    if not found:
        return gettext("No rule in force pays for likes.")
    return gettext("%d rules in force grow with honest likes.") % found


def _distrusted(since: dt.datetime) -> int:
    return ReviewLike.objects.filter(at__gt=since, weight=0).count()


def _caps() -> str:
    running = _running()
    capped = sum(version.cap_item is not None for version in running)
    return gettext("%(some)d of %(all)d rules in force have a cap per product.") % {"some": capped, "all": len(running)}


def _cash() -> str:
    if programmes.current().clawback_cash:
        return gettext("What the balance lacks is deducted from the refund.")
    return gettext("Off: the refund is paid in full.")


def _tender() -> str:
    return gettext("At most %d %% of an order.") % programmes.current().tender_cap_percent


def _reviews() -> str:
    price = words.money(programmes.current().review_min_unit_price)
    return gettext("Only what was bought on the account, from %s a piece on.") % price


register(
    Safeguard(3, _("After a return, points and growth are taken back."), PROGRAMME, _clawback, _clawed),
    Safeguard(
        4,
        _("Photo reviews earn more the more others like them."),
        "loyalty_earningruleversion_changelist",
        _likes,
        _distrusted,
    ),
    Safeguard(
        5,
        _("What one product can earn has a limit."),
        "loyalty_earningruleversion_changelist",
        _caps,
        lambda since: Shortfall.objects.filter(at__gt=since, reason=Reason.CAP_ITEM).count(),
    ),
    Safeguard(
        6,
        _("If points are short at a return, the money is reduced."),
        PROGRAMME,
        _cash,
        lambda since: Refund.objects.filter(at__gt=since, cash_deduction__gt=0).count(),
    ),
    Safeguard(7, _("Points pay for only a part of an order."), PROGRAMME, _tender),
    Safeguard(
        8,
        _("Only own purchases above a price are rewarded for a review."),
        PROGRAMME,
        _reviews,
        lambda since: Review.objects.filter(
            approved_at__gt=since, refusal__in=[Reason.NOT_PURCHASED, Reason.PRICE_GATE]
        ).count(),
    ),
)
