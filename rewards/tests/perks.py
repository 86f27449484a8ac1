"""Benefits and grants in few words, for tests: Alice owns, Bob helps, Charlie must not see."""

from __future__ import annotations

from itertools import count

from common import clock
from loyalty.models import MedalStanding, Score, ScorePolicy, ScoreSnapshot, Standing, Tier, TierChange
from loyalty.tests.stage import DAY, LONG_AGO, NOON
from members.models import Member, Plan, Subscription
from rewards.models import Benefit, BenefitGrant, Bundle

_numbers = count(1)
RANKS = {"registered": 0, "bronze": 1, "silver": 2, "gold": 3, "diamond": 4}


def tier(code: str) -> Tier:
    """A tier of JD's ladder."""
    return Tier.objects.get_or_create(code=code, defaults={"name": code.title(), "rank": RANKS[code]})[0]


def member(name: str = "alice", at_tier: str | None = "bronze", **values) -> Member:
    """A member who stands on a tier."""
    values.setdefault("registered_at", LONG_AGO)
    found, _made = Member.objects.get_or_create(external_id=name, defaults=values)
    if at_tier is not None:
        _standing, made = Standing.objects.update_or_create(
            member=found, defaults={"tier": tier(at_tier), "tier_since": LONG_AGO}
        )
        if made:
            TierChange.objects.create(
                member=found, after=tier(at_tier), reason=TierChange.Reason.JOINED, growth=0, at=LONG_AGO
            )
    return found


def benefit(code: str = "parcel", **values) -> Benefit:
    """A benefit of the catalogue."""
    return Benefit.objects.get_or_create(code=code, defaults={"name": code.title()} | values)[0]


def grant(what: Benefit | Bundle, to=None, **values) -> BenefitGrant:
    """A grant in force for ever: to bronze and above, unless told otherwise."""
    to = tier("bronze") if to is None else to
    column = {"Tier": "tier", "MedalLevel": "medal", "Plan": "plan", "ScoreThreshold": "score", "Club": "club"}
    audience = column.get(type(to).__name__, "segment")
    names = {"medal": "medal_level", "score": "threshold"}
    values |= {names.get(audience, audience): to, "bundle" if isinstance(what, Bundle) else "benefit": what}
    return BenefitGrant.objects.create(
        audience=audience,
        **{
            "status": BenefitGrant.Status.ACTIVE,
            "effective_from": LONG_AGO,
            "drafted_at": LONG_AGO,
            "activated_at": LONG_AGO,
        }
        | values,
    )


def bundle(*items: tuple, **values) -> Bundle:
    """A bundle of (benefit, allowance) pairs."""
    number = next(_numbers)
    found = Bundle.objects.create(**{"code": f"bundle-{number}", "name": f"Bundle {number}"} | values)
    for what, allowance in items:
        found.items.create(benefit=what, **allowance)
    return found


def plus(owner: Member, *, since=NOON - 10 * DAY, until=NOON + 355 * DAY) -> Plan:
    """PLUS, bought by a member."""
    plan, _made = Plan.objects.get_or_create(code="plus", defaults={"name": "PLUS"})
    Subscription.objects.create(member=owner, plan=plan, starts_at=since, ends_at=until)
    return plan


def medal_level(owner: Member, level) -> None:
    """The member holds the level of the medal."""
    MedalStanding.objects.create(
        member=owner, medal=level.medal, level=level, score=level.score or 0, since=LONG_AGO, as_of=NOON.date()
    )


def settled(owner: Member, value: int, at) -> None:
    """The member's score was settled at an instant, for that month."""
    policy = ScorePolicy.objects.first() or ScorePolicy.objects.create(drafted_at=LONG_AGO)
    month = clock.month_start(clock.local_date(at))
    dimensions = dict.fromkeys(("consumption", "activity", "account", "reputation", "credit"), 0)
    ScoreSnapshot.objects.create(member=owner, month=month, value=value, policy=policy, at=at, **dimensions)
    Score.objects.update_or_create(
        member=owner, defaults={"value": value, "counted_on": month, "settled": value, "settled_month": month}
    )
