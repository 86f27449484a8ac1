"""Risk rules at the door: asked before the transaction that they refuse, so that the refusal stays (domain.md S2-57).

The deny-list beats everything, the allow-list beats the rules. A rule lets at most so many through in a rolling window;
what it refuses is not counted. No query where nobody guards the action; else the counters take two statements.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import Problem
from common.services import outbox
from members import facts
from members.models import Identity, Member, RiskListing, RiskRefusal, RiskRuleVersion, RiskTally
from members.models.risk_words import FACTS, Counter, Outcome
from members.selectors import risk_rules
from members.services import members, risk_standings, risk_tallies
from members.services.risk_standings import Standing
from members.services.risk_tallies import Key

By, Kind = RiskListing.By, RiskListing.Kind


class RefusedByRisk(Problem):
    """A risk rule or the deny-list turned this down; `refusal` names the row that a member can contest."""

    code = "refused_by_risk"
    status = 403
    title = _("This was refused to protect members and shops.")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something that somebody is about to do, or (FACTS) has done. `device` and `address` are digests (identities.mark)."""

    action: str
    subject: str
    at: dt.datetime
    device: str = ""
    address: str = ""
    other: str = ""
    order: str = ""
    reference: str = ""


@dataclass(slots=True)
class _Table:
    """What is read for all attempts at once."""

    members: dict[str, Member] = field(default_factory=dict)
    phones: dict[int, str] = field(default_factory=dict)
    listings: dict[tuple[str, str], list[RiskListing]] = field(default_factory=dict)
    standings: dict[int, Standing] = field(default_factory=dict)
    tallies: dict[Key, RiskTally] = field(default_factory=dict)
    changed: dict[Key, RiskTally] = field(default_factory=dict)
    remembered: list[RiskRefusal] = field(default_factory=list)
    blocks: list[RiskListing] = field(default_factory=list)

    def name(self, attempt: Attempt) -> str:
        """The member's name; of who was merged, that of the member who remains."""
        member = self.members.get(attempt.subject)
        return member.external_id if member else attempt.subject


def check(attempt: Attempt, now: dt.datetime) -> RefusedByRisk | None:
    """Ask about one attempt; None lets it through. What is decided is written before this returns."""
    return judge([attempt], now)[0]


def judge(attempts: Sequence[Attempt], now: dt.datetime) -> list[RefusedByRisk | None]:
    """Ask about attempts in their order, in a transaction of their own; each is None or the refusal, which is remembered."""
    book = risk_rules.book(now)
    if not any(book.guards(attempt.action) for attempt in attempts):
        return [None] * len(attempts)
    with transaction.atomic():
        rules = [book.in_force(attempt.action, attempt.at) for attempt in attempts]
        table = _read(attempts, rules, book, now)
        verdicts = [_decide(attempt, found, table) for attempt, found in zip(attempts, rules, strict=True)]
        _write(table, book, now)
    return verdicts


def subject_of(counter: str, attempt: Attempt, name: str) -> str:
    """By what a counter knows an attempt; empty if it does not: then the rule says nothing."""
    match counter:
        case Counter.MEMBER:
            return name
        case Counter.DEVICE:
            return attempt.device
        case Counter.ADDRESS:
            return attempt.address
        case Counter.OTHER:
            return attempt.other
        case Counter.PAIR:
            return f"{name} {attempt.other}" if attempt.other else ""
    return attempt.order


def _read(attempts, rules, book: risk_rules.Book, now: dt.datetime) -> _Table:
    table = _Table()
    people = Member.objects.filter(external_id__in={attempt.subject for attempt in attempts})
    for member in people.select_related("merged_into"):
        table.members[member.external_id] = members.remaining(member)
    blocks = any(rule.outcome == Outcome.BLOCK for found in rules for rule in found)
    if blocks or any(attempt.action in book.listed for attempt in attempts):
        _read_listings(table, attempts)
    if any(rule.tiers or rule.conducts for found in rules for rule in found):
        table.standings = risk_standings.of({member.pk for member in table.members.values()}, now)
    keys = {
        Key(attempt.action, rule.counter, subject)
        for attempt, found in zip(attempts, rules, strict=True)
        for rule in found
        if (subject := subject_of(rule.counter, attempt, table.name(attempt)))
    }
    table.tallies = risk_tallies.lock(keys, now)
    return table


def _read_listings(table: _Table, attempts: Sequence[Attempt]) -> None:
    """Everybody and everything at hand that is or was listed."""
    ids = {member.pk for member in table.members.values()}
    phones = Identity.objects.filter(member__in=ids, kind=Identity.Kind.PHONE).values_list("member_id", "digest")
    table.phones = dict(phones)
    names = {table.name(attempt) for attempt in attempts} | set(table.phones.values())
    names |= {attempt.device for attempt in attempts} | {attempt.address for attempt in attempts}
    for listing in RiskListing.objects.filter(subject__in=names - {""}):
        table.listings.setdefault((listing.by, listing.subject), []).append(listing)


def _decide(attempt: Attempt, rules: Sequence[RiskRuleVersion], table: _Table) -> RefusedByRisk | None:
    listings = list(_listed(attempt, table))
    denial = next((listing for listing in listings if listing.kind == Kind.DENY), None)
    if denial is not None and attempt.action not in FACTS:
        return _remember(attempt, table, Outcome.REFUSE, listing=denial)
    if any(listing.kind == Kind.ALLOW for listing in listings):
        return None
    refused = None
    for rule in rules:
        if _fits(rule, attempt, table) and _is_over(rule, attempt, table) and not _is_done(rule, attempt, table):
            refused = _remember(attempt, table, rule.outcome, version=rule) or refused
    if refused is None:
        _count(attempt, rules, table)
    return refused


def _listed(attempt: Attempt, table: _Table) -> Iterator[RiskListing]:
    member = table.members.get(attempt.subject)
    known = {
        By.MEMBER: table.name(attempt),
        By.DEVICE: attempt.device,
        By.ADDRESS: attempt.address,
        By.PHONE: table.phones.get(member.pk, "") if member else "",
    }
    for by, subject in known.items():
        for listing in table.listings.get((by, subject), ()):
            if listing.is_in_force(attempt.at) and listing.covers(attempt.action):
                yield listing


def _fits(rule: RiskRuleVersion, attempt: Attempt, table: _Table) -> bool:
    """Whether the conditions of a rule hold. Who is not known yet is new and unverified."""
    member = table.members.get(attempt.subject)
    standing = table.standings.get(member.pk, Standing()) if member else Standing()
    age = attempt.at - member.registered_at if member else dt.timedelta()
    return (
        (rule.younger_than_days is None or age < dt.timedelta(days=rule.younger_than_days))
        and not (rule.spares_verified and member and member.real_name_verified)
        and (not rule.tiers or standing.tier in rule.tier_codes)
        and (not rule.conducts or standing.conduct in rule.conducts)
    )


def _is_over(rule: RiskRuleVersion, attempt: Attempt, table: _Table) -> bool:
    tally = table.tallies.get(Key(rule.action, rule.counter, subject_of(rule.counter, attempt, table.name(attempt))))
    return tally is not None and risk_tallies.count(tally, rule.window_minutes, attempt.at) >= rule.limit


def _is_done(rule: RiskRuleVersion, attempt: Attempt, table: _Table) -> bool:
    """Something has happened for which the rule has blocked the member already: there is nothing new to say."""
    entries = table.listings.get((By.MEMBER, table.name(attempt)), ())
    return attempt.action in FACTS and any(
        entry.version_id == rule.pk and entry.is_in_force(attempt.at) for entry in entries
    )


def _count(attempt: Attempt, rules: Iterable[RiskRuleVersion], table: _Table) -> None:
    """What is let through counts, once a counter."""
    for counter in {rule.counter for rule in rules}:
        key = Key(attempt.action, counter, subject_of(counter, attempt, table.name(attempt)))
        if (tally := table.tallies.get(key)) is not None:
            risk_tallies.add(tally, attempt.at)
            table.changed[key] = tally


def _remember(
    attempt: Attempt,
    table: _Table,
    outcome: str,
    *,
    version: RiskRuleVersion | None = None,
    listing: RiskListing | None = None,
) -> RefusedByRisk | None:
    """Note a rule or list that met an attempt; the problem, if that turns it down."""
    member = table.members.get(attempt.subject)
    known = {
        "device": attempt.device[:8],
        "address": attempt.address[:8],
        "other": attempt.other,
        "order": attempt.order,
    }
    met = RiskRefusal(
        member=member,
        subject=attempt.subject,
        action=attempt.action,
        outcome=outcome,
        is_shadow=version is not None and version.mode == RiskRuleVersion.Mode.SHADOW,
        version=version,
        listing=listing,
        facts={name: value for name, value in known.items() if value},
        reference=attempt.reference,
        at=attempt.at,
    )
    table.remembered.append(met)
    if version is not None and not met.is_shadow and outcome == Outcome.BLOCK and member is not None:
        _block(attempt, member, version, table)
    if not met.refuses or attempt.action in FACTS:
        return None
    return RefusedByRisk(met.reason, rule=version.rule.code if version else "deny-list", refusal=str(met.uuid))


def _block(attempt: Attempt, member: Member, version: RiskRuleVersion, table: _Table) -> None:
    """Put the member on the deny-list from this instant on; it holds for what comes next, in this batch, too."""
    block = RiskListing(
        kind=Kind.DENY,
        by=By.MEMBER,
        subject=member.external_id,
        member=member,
        actions=version.block_actions,
        reason=version.reason_en,
        starts_at=attempt.at,
        ends_at=attempt.at + dt.timedelta(days=version.block_days or 0),
        version=version,
    )
    table.blocks.append(block)
    table.listings.setdefault((By.MEMBER, member.external_id), []).append(block)


def _write(table: _Table, book: risk_rules.Book, now: dt.datetime) -> None:
    longest: dict[tuple[str, str], int] = defaultdict(int)
    for action, counter, _subject in table.changed:
        longest[action, counter] = max(book.windows(action, counter))
    risk_tallies.save([table.changed[key] for key in sorted(table.changed)], longest)
    RiskListing.objects.bulk_create(table.blocks)
    RiskRefusal.objects.bulk_create(table.remembered)
    told = [_told(met) for met in table.remembered if not met.is_shadow and met.outcome != Outcome.WATCH]
    if told:
        outbox.publish(told, now)
    if table.blocks:
        changed()


def _told(met: RiskRefusal) -> facts.RiskMet:
    rule = met.version.rule.code if met.version else "deny-list"
    return facts.RiskMet(met.subject, str(met.uuid), met.action, rule, met.outcome, met.reference, met.at.isoformat())


def changed() -> None:
    """Rules or lists have changed: this process reads them anew, once the change is there to be read."""
    risk_rules.keep(None)
    transaction.on_commit(lambda: risk_rules.keep(None))
