"""What the rules are told of members: read for a whole desk at once, and only if some rule asks for it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from loyalty.models import Order, OrderLine, RuleCondition, SegmentMember, Wallet
from loyalty.selectors.members import standing_of
from loyalty.services.occasions import Facts
from loyalty.services.rules import RuleBook
from members.models import Member, Subscription
from members.selectors import kin

Attribute = RuleCondition.Attribute


class NoWallet(NamedTuple):
    """A member to whom nothing has happened yet: in the place of the wallet."""

    member_id: int
    member: Member


class MemberFacts:
    """Facts of the members at a desk. First orders and new categories within the desk are kept up to date by `bought`.

    What a member bought who was merged into another, the other has bought (domain.md E58).
    """

    def __init__(self, wallets: Iterable[Wallet | NoWallet], rules: RuleBook):
        self._ids = {wallet.member_id for wallet in wallets}
        self._asked = rules.attributes
        self._subscriptions: dict[int, list[Subscription]] = {}
        self._segments: dict[int, list[str]] | None = None
        self._categories: dict[int, set[str]] | None = None

    def of(
        self,
        wallet: Wallet | NoWallet,
        at: dt.datetime,
        categories: Iterable[str] = (),
        *,
        ordered_at: dt.datetime | None = None,
        ordered_by: int | None = None,
        **more: Any,
    ) -> Facts:
        """The facts of one member at an instant; `categories` are those of the order at hand.

        Plans are those of the time it was ordered, and of who ordered it (by id), who may have been merged into the member
        since: a parcel that arrives after the term has earned with it (E54, E58, C20).
        """
        member = wallet.member
        standing = standing_of(member)
        facts = Facts(
            tier=standing.tier.code if standing and standing.tier else "registered",
            kind=member.kind,
            attributes=member.attributes,
            **more,
        )
        if Attribute.MEMBER_PLAN in self._asked:
            bought = ordered_at or at
            terms = self._terms(ordered_by or member.pk)
            facts.plans = [term.plan.code for term in terms if term.starts_at <= bought < term.ends_at]
        if Attribute.MEMBER_SEGMENT in self._asked:
            facts.segments = self._groups()[member.pk]
        if self._asked & {Attribute.ORDER_FIRST, Attribute.LINE_NEW_CATEGORY}:
            known = self._bought()
            facts.first_order = member.pk not in known and not member.has_returned
            facts.new_categories = sorted(set(categories) - known.get(member.pk, set()))
        return facts

    def bought(self, wallet: Wallet, categories: Iterable[str]) -> None:
        """The member has completed an order in these categories."""
        if self._categories is not None:
            self._categories.setdefault(wallet.member_id, set()).update(categories)

    def _terms(self, member_id: int) -> list[Subscription]:
        """Of plans. One query for all members at the desk, and one for each who was merged into one of them."""
        if member_id not in self._subscriptions:
            asked = self._ids - self._subscriptions.keys() | {member_id}
            self._subscriptions |= {asked_id: [] for asked_id in asked}
            for term in Subscription.objects.filter(member__in=asked).select_related("plan"):
                self._subscriptions[term.member_id].append(term)
        return self._subscriptions[member_id]

    def _groups(self) -> dict[int, list[str]]:
        if self._segments is None:
            self._segments = defaultdict(list)
            rows = SegmentMember.objects.filter(member__in=self._ids).values_list("member_id", "segment__code")
            for member_id, code in rows:
                self._segments[member_id].append(code)
        return self._segments

    def _bought(self) -> dict[int, set[str]]:
        if self._categories is None:
            heirs = kin.heirs(self._ids)
            rows = (
                OrderLine.objects.filter(order__member__in=heirs, order__status=Order.Status.COMPLETED)
                .order_by()
                .values_list("order__member_id", "category")
                .distinct()
            )
            self._categories = {}
            for member_id, category in rows:
                self._categories.setdefault(heirs[member_id], set()).add(category)
        return self._categories
