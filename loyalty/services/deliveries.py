"""Refused deliveries: counted per local month and year, so that a rule can fine the repeated ones (domain.md E21)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from common import clock
from common.services.inbox import Event, Outcome
from loyalty.models import DeliveryRefusal
from loyalty.services import activities, orderfile
from loyalty.services.desk import Desk
from loyalty.services.memberfacts import MemberFacts


def prepare(desk: Desk, events: Sequence[Event]) -> None:
    """Read the orders and the members' refusals of the years at hand."""
    desk.orders.update(orderfile.load({event.data.order for event in events} - desk.orders.keys()))
    years = {clock.local_date(event.time).year for event in events}
    members = [wallet.member_id for wallet in desk.wallets.values()]
    rows = DeliveryRefusal.objects.filter(member__in=members, day__year__in=years).values_list(
        "member_id", "order_id", "day"
    )
    desk.shelf["refused"] = set()
    desk.shelf["refusals"] = Counter()
    for member_id, order_id, day in rows:
        desk.shelf["refused"].add(order_id)
        _count(desk, member_id, day)
    desk.shelf.setdefault("memberfacts", MemberFacts(desk.wallets.values(), desk.rules))


def _count(desk: Desk, member_id: int, day) -> None:
    desk.shelf["refusals"].update([(member_id, day.year), (member_id, day.year, day.month)])


def refuse(desk: Desk, event: Event) -> Outcome:
    """delivery.refused: recorded once an order; the rules are told how many there were."""
    wallet, file = desk.wallet(event.subject), desk.orders.get(event.data.order)
    if file is None or file.order.pk is None or not file.is_of(wallet):
        return Outcome.ignored("order_unknown")
    if file.order.pk in desk.shelf["refused"]:
        return Outcome.ignored("already_refused")
    day = clock.local_date(event.time)
    desk.shelf["refused"].add(file.order.pk)
    desk.add(DeliveryRefusal(member=wallet.member, order=file.order, day=day, at=event.time))
    _count(desk, wallet.member_id, day)
    facts = desk.shelf["memberfacts"].of(
        wallet,
        event.time,
        refusals_month=desk.shelf["refusals"][wallet.member_id, day.year, day.month],
        refusals_year=desk.shelf["refusals"][wallet.member_id, day.year],
    )
    return Outcome.applied(activities.earn(desk, event, facts, reference=f"delivery:{file.order.code}"))
