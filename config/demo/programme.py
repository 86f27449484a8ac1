"""The demo's programme: JD's defaults (domain.md section 7), tiers, PLUS, segments, a campaign, an event type."""

from __future__ import annotations

import datetime as dt

from common import clock
from common.models import ApiKey, Staff, WebhookEndpoint
from common.services import api_keys, audit
from config.demo import benefits, conduct, gifts, medals, plans, rewards, rulebook, scores, segments, standing
from config.demo.habits import QUIZ
from config.demo.people import Person
from loyalty.models import Campaign, CustomEventType, Programme, Segment
from loyalty.selectors import programme as programmes
from loyalty.services import campaigns
from members.models import Member, Plan, Subscription

API_KEY_NAME = "Demo shop"
QUIZ_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["score"],
    "additionalProperties": False,
    "properties": {"score": {"type": "integer", "minimum": 0, "maximum": 100}, "subject": {"type": "string"}},
}


def set_up(start: dt.datetime, end: dt.datetime, author: Staff, approver: Staff) -> None:
    """Everything that is decided before the first event, in force from `start`; a second time it changes nothing."""
    programme = programmes.current()
    Programme.objects.filter(pk=programme.pk, name="Loyalty").update(
        name="Demo programme", unit_name="beans", reminder_days=[30, 7, 1], like_check_days=[7, 30]
    )
    standing.set_up(author, approver, start)
    conduct.set_up(author, approver, start)
    plans.set_up(author, approver, start, end)
    for code, name in (("business", "Businesses"), ("keen", "Keen on the app"), ("newcomers", "Newcomers")):
        Segment.objects.get_or_create(code=code, defaults={"name": name})
    CustomEventType.objects.get_or_create(
        name=QUIZ, defaults={"description": "A quiz in the app was finished.", "schema": QUIZ_SCHEMA}
    )
    scores.set_up(author, approver, start)
    segments.set_up(author, approver, start)
    medals.set_up()
    rewards.set_up(author, approver, start)
    benefits.set_up(author, approver, start)
    plans.set_up_joint_card(author, approver, start)
    campaign = _campaign(start, end, author)
    rulebook.put_in_force(rulebook.write(author, start, campaign), approver, start)
    if campaign.status == Campaign.Status.DRAFT:
        campaigns.start(campaign, audit.Actor(label=approver.username, staff=approver), start)
    gifts.set_up(author, approver, start, end)
    WebhookEndpoint.objects.get_or_create(
        name="Demo shop (example, off)",
        defaults={
            "url": "https://shop.example.com/loyalty-webhook",
            "secret": "whsec_ZGVtby1vbmx5LWRlbW8tb25seQ==",
            "is_active": False,
        },
    )


def _campaign(start: dt.datetime, end: dt.datetime, author: Staff) -> Campaign:
    """The shopping festival: 1 to 12 November if the time that is told has one, else its second half."""
    opens = clock.day_start(dt.date(clock.local_date(end).year, 11, 1))
    closes = clock.day_start(dt.date(clock.local_date(end).year, 11, 13))
    if not start < opens < closes < end:
        opens, closes = start + (end - start) / 2, end
    campaign, _created = Campaign.objects.get_or_create(
        code="shopping-festival",
        defaults={
            "name": "Shopping festival", "starts_at": opens, "ends_at": closes, "budget": 100_000, "created_by": author,
        },
    )  # fmt: skip
    return campaign


def enrol(people: list[Person], start: dt.datetime, end: dt.datetime) -> None:
    """PLUS terms and segments of the members who are there."""
    members = {
        member.external_id: member for member in Member.objects.filter(external_id__in=[p.external_id for p in people])
    }
    plan = Plan.objects.get(code="plus")
    Subscription.objects.bulk_create(
        [
            Subscription(member=members[p.external_id], plan=plan, starts_at=start, ends_at=end + dt.timedelta(days=60))
            for p in people
            if p.has_plus and p.external_id in members
        ],
        ignore_conflicts=True,
    )
    for code, belongs in (
        ("business", lambda p: p.kind == "business"),
        ("keen", lambda p: p.check_ins >= 40),
        ("newcomers", lambda p: p.is_new),
    ):
        chosen = [members[p.external_id] for p in people if belongs(p) and p.external_id in members]
        Segment.objects.get(code=code).members.add(*chosen)


def issue_key(author: Staff, at: dt.datetime) -> str | None:
    """A key for the demo shop's back end; None if it was issued before (it is shown once)."""
    if ApiKey.objects.filter(name=API_KEY_NAME).exists():
        return None
    _key, text = api_keys.issue(API_KEY_NAME, ApiKey.Scope.values, audit.Actor(label=author.username, staff=author), at)
    return text
