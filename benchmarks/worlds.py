"""Members with a ledger that proves green, written by a few statements: the world every measurement starts from."""

from __future__ import annotations

import datetime as dt

from django.db import connection

from common.models import ApiKey
from common.services import api_keys
from common.services.audit import Actor
from loyalty.models import EarningRule, EarningRuleVersion, Edition, GrowthPolicy, Ladder, Rung, Tier
from loyalty.selectors import programme

# All of it happened before this instant; measurements run at it.
NOW = dt.datetime(2026, 3, 1, 2, 0, tzinfo=dt.UTC)
LAST_YEAR = NOW - dt.timedelta(days=400)
DUE = NOW - dt.timedelta(hours=10)
LATER = NOW + dt.timedelta(days=600)
# Midnight in Shanghai, where the programme is at home unless told otherwise. After the web server's clock, so that no request
# has to catch up with a review that the nightly job has always done by then.
REVIEW = dt.datetime(dt.datetime.now(dt.UTC).year + 1, 6, 30, 16, 0, tzinfo=dt.UTC)

_MEMBERS = """
    INSERT INTO members_member
        (id, uuid, external_id, kind, status, name, phone_verified, real_name_verified, attributes, registered_at, said_at,
         has_returned)
    SELECT n, gen_random_uuid(), 'bench-' || n, 'person', 'active', '', false, false, '{}', %(earned)s, '{}',
           false
    FROM generate_series(1, %(members)s) n;
    INSERT INTO loyalty_account (id, kind, available, pending, held, owed, version)
    SELECT n, 'member', %(points)s::bigint * (%(lots)s + CASE WHEN n %% 2 = 0 THEN %(due_lots)s ELSE 0 END), 0, 0, 0,
           %(lots)s + CASE WHEN n %% 2 = 0 THEN %(due_lots)s ELSE 0 END
    FROM generate_series(1, %(members)s) n;
    INSERT INTO loyalty_wallet (member_id, account_id)
    SELECT n, n FROM generate_series(1, %(members)s) n;
"""

# Every second member has `due_lots` lots that are due (its first ones); everybody has `lots` that are not.
_LOTS = """
    INSERT INTO loyalty_lot
        (account_id, lot_seq, earned, remaining, is_open, is_pending, earned_at, available_at, expires_at, source, reference)
    SELECT n, seq, %(points)s, %(points)s, true, false, %(earned)s, %(earned)s,
           CASE WHEN n %% 2 = 0 AND seq <= %(due_lots)s THEN %(due)s
                ELSE %(later)s::timestamptz + seq * interval '1 day' END,
           'adjustment', 'bench'
    FROM generate_series(1, %(members)s) n,
         generate_series(1, %(lots)s + CASE WHEN n %% 2 = 0 THEN %(due_lots)s ELSE 0 END) seq;
    INSERT INTO loyalty_entry
        (account_id, seq, unit, kind, delta, balance_after, contra, reference, posted_on, at)
    SELECT account_id, lot_seq, 'points', 'adjust', earned, earned * lot_seq, 'adjusted', reference, %(earned)s::date, %(earned)s
    FROM loyalty_lot;
"""

# Everybody is silver and reviewed on the same day; every second one (odd numbers) falls there.
_STANDINGS = """
    INSERT INTO loyalty_standing
        (member_id, growth, version, grown_at, coefficient_percent, ordered_at, ladder_id, tier_id, tier_since, tier_until,
         in_grace, reckoned_on, due_at)
    SELECT n, 250000 + CASE WHEN n %% 2 = 0 THEN 100000 ELSE 0 END, 1, %(earned)s, 100, %(earned)s, %(ladder)s, %(silver)s,
           %(earned)s, %(review)s, false, %(earned)s::date, %(review)s
    FROM generate_series(1, %(members)s) n;
    INSERT INTO loyalty_growthentry
        (member_id, seq, kind, criterion, base, percent, asked, delta, balance_after, occurred_on, at, reference, ladder_id)
    SELECT member_id, 1, 'order', 'consumption', growth / 100, 100, growth, growth, growth, %(earned)s::date, %(earned)s,
           'bench', ladder_id
    FROM loyalty_standing;
    INSERT INTO loyalty_tierchange
        (member_id, after_id, reason, growth, at, until, is_provisional, ladder_id, reference, note)
    SELECT member_id, tier_id, 'growth', growth, %(earned)s, %(review)s, false, ladder_id, 'bench', ''
    FROM loyalty_standing;
"""

# Orders of last year. PostgreSQL plans the foreign-key checks of a session by the size a table has then, so tables that
# start empty would be searched from end to end for as long as the session lives: a programme on its first day, not ours.
_PAST = """
    INSERT INTO loyalty_order
        (code, member_id, status, channel, freight, freight_waived, free_from, freight_charged, cash, points,
         points_taken, attributes, context, completed_at,
         completed_on, growth_due, points_due, points_clawed, points_forgiven)
    SELECT 'past-' || n, 1 + n %% %(members)s, 'completed', 'app', 0, 0, 0, 0, 99, 0, 0, '{}', '{}', %(earned)s, %(earned)s::date,
           0, 0, 0, 0
    FROM generate_series(1, 20000) n;
    INSERT INTO loyalty_orderline
        (order_id, number, sku, category, store_code, quantity, cash, points, discount, is_virtual, attributes,
         refunded_quantity, refunded_cash, refunded_points)
    SELECT id, '1', 'sku-1', 'books', 'acme', 1, 99, 0, 0, false, '{}', 0, 0, 0 FROM loyalty_order;
    INSERT INTO common_inboxevent
        (source, event_id, type, subject, "time", received_at, body_hash, data, status, reason, effects)
    SELECT '/bench', code, 'order.completed', '', %(earned)s, %(earned)s, md5(code), '{}', 'applied', '', '{}'
    FROM loyalty_order;
"""

_SEQUENCES = """
    SELECT setval(pg_get_serial_sequence('members_member', 'id'), %(members)s);
    SELECT setval(pg_get_serial_sequence('loyalty_account', 'id'), %(members)s);
"""


def fill(members: int, *, lots: int = 1, due_lots: int = 0, points: int = 2000) -> None:
    """Fill an empty database: `members` wallets with `lots` open lots each, and due ones besides for every second.

    One rule is in force, a point per yuan of a completed order, and JD's ladder and growth policy.
    """
    programme.current()
    ladder = _ladder()
    params = {
        "members": members,
        "lots": lots,
        "due_lots": due_lots,
        "points": points,
        "earned": LAST_YEAR,
        "due": DUE,
        "later": LATER,
        "review": REVIEW,
        "ladder": ladder.pk,
        "silver": ladder.rungs.get(tier__code="silver").tier_id,
    }
    for script in (_MEMBERS, _LOTS, _STANDINGS, _PAST, _SEQUENCES):
        load(script, params)
    rule = EarningRule.objects.create(code="base", name="A point per yuan")
    EarningRuleVersion.objects.create(
        rule=rule, number=1, status=EarningRuleVersion.Status.ACTIVE, effective_from=LAST_YEAR
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def load(script: str, params: dict) -> None:
    """Run the statements of a script. Its rows are right by construction and need no foreign-key triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in filter(str.strip, script.split(";")):
            cursor.execute(statement, params)
        cursor.execute("SET session_replication_role = DEFAULT")


def _ladder() -> Ladder:
    """JD's tiers (domain.md section 2.2) and growth policy, in force since last year."""
    published = {
        "status": Edition.Status.PUBLISHED,
        "effective_at": LAST_YEAR,
        "drafted_at": LAST_YEAR,
        "published_at": LAST_YEAR,
    }
    GrowthPolicy.objects.create(**published)
    ladder = Ladder.objects.create(**published)
    rungs = (
        ("registered", 0, 0),
        ("bronze", 0, 0),
        ("silver", 2_000, 1_000),
        ("gold", 10_000, 4_000),
        ("diamond", 30_000, 10_000),
    )
    for rank, (code, threshold, deduction) in enumerate(rungs):
        Rung.objects.create(
            ladder=ladder,
            tier=Tier.objects.create(code=code, name=code.title(), rank=rank),
            threshold=threshold,
            deduction=deduction,
            validity_months=12 if deduction else None,
            needs_order=code == "bronze",
        )
    return ladder


def key() -> str:
    """An API key that opens what the benchmarks call."""
    return api_keys.issue("benchmark", ApiKey.Scope.values, Actor("benchmark"), NOW)[1]


def name(number: int) -> str:
    """The external id of a member who has no due lots (they have odd numbers, from 1)."""
    return f"bench-{2 * number + 1}"
