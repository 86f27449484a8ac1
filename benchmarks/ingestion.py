"""Completed orders over HTTP, one at a time and in batches of 1,000, against one hand-written statement each."""

from __future__ import annotations

import json

from django.test import Client

from benchmarks import databases, load, queries, worlds
from benchmarks.results import Result
from benchmarks.rows import Rows, compare

BATCH = 1000

# The event remembered once, the order, its lines, an entry and a lot a line, the balance, two facts: all that an
# order.completed leaves behind, for one event or a thousand, several of one member among them.
_FLOOR = """
WITH sent AS (
    SELECT source, id, type, subject, "time", data
    FROM jsonb_to_recordset(%(events)s::jsonb)
         AS e(source text, id text, type text, subject text, "time" timestamptz, data jsonb)
), remembered AS (
    INSERT INTO common_inboxevent
        (source, event_id, type, subject, "time", received_at, body_hash, data, status, reason, effects)
    SELECT source, id, type, subject, "time", now(), encode(sha256(convert_to(data::text, 'UTF8')), 'hex'), data,
           'applied', '', '{"points": {"earned": 99, "capped": [], "pending": 0}, "growth": {"added": 99},
                            "tier": {"before": "silver", "after": "silver"}}'
    FROM sent
    ON CONFLICT (source, event_id) DO NOTHING
    RETURNING event_id
), event AS MATERIALIZED (
    SELECT s.*, w.account_id, w.member_id
    FROM sent s JOIN remembered r ON r.event_id = s.id
    JOIN members_member m ON m.external_id = s.subject JOIN loyalty_wallet w ON w.member_id = m.id
), placed AS (
    INSERT INTO loyalty_order
        (code, member_id, status, channel, freight, freight_waived, free_from, freight_charged, cash, points,
         points_taken, attributes, context, completed_at,
         completed_on, growth_due, points_due, points_clawed, points_forgiven)
    SELECT data->>'order', member_id, 'completed', data->>'channel', 0, 0, 0, 0,
           (SELECT sum((l->>'cash')::bigint) FROM jsonb_array_elements(data->'lines') l), 0, 0, '{}',
           '{"tier": "silver", "kind": "person"}', "time", "time"::date,
           (SELECT sum((l->>'cash')::bigint) / 100 FROM jsonb_array_elements(data->'lines') l),
           (SELECT sum((l->>'cash')::bigint / 100) FROM jsonb_array_elements(data->'lines') l), 0, 0
    FROM event RETURNING id, code, cash, points_due, growth_due
), line AS (
    INSERT INTO loyalty_orderline
        (order_id, number, sku, category, store_code, quantity, cash, points, discount, is_virtual, attributes,
         refunded_quantity, refunded_cash, refunded_points)
    SELECT p.id, l->>'line', l->>'sku', l->>'category', l->>'store', (l->>'quantity')::bigint, (l->>'cash')::bigint,
           0, 0, false, '{}', 0, 0, 0
    FROM event e JOIN placed p ON p.code = e.data->>'order', jsonb_array_elements(e.data->'lines') l
    RETURNING id, order_id, cash / 100 AS points
), granted AS MATERIALIZED (
    SELECT e.account_id, e."time", p.code, l.id AS line_id, l.points,
           row_number() OVER mine AS place, sum(l.points) OVER mine AS running
    FROM line l JOIN placed p ON p.id = l.order_id JOIN event e ON e.data->>'order' = p.code
    WINDOW mine AS (PARTITION BY e.account_id ORDER BY l.id)
), account AS (
    UPDATE loyalty_account a SET available = a.available + g.points, version = a.version + g.entries
    FROM (SELECT account_id, sum(points)::bigint AS points, count(*) AS entries FROM granted GROUP BY account_id) g
    WHERE a.id = g.account_id
    RETURNING a.id, a.available - g.points AS available, a.version - g.entries AS version
), entry AS (
    INSERT INTO loyalty_entry (account_id, seq, unit, kind, delta, balance_after, contra, reference, posted_on, at)
    SELECT a.id, a.version + g.place, 'points', 'earn', g.points, a.available + g.running, 'issued',
           'order:' || g.code, current_date, now()
    FROM granted g JOIN account a ON a.id = g.account_id
), lot AS (
    INSERT INTO loyalty_lot
        (account_id, lot_seq, earned, remaining, is_open, is_pending, earned_at, available_at, expires_at, source,
         reference, rule_version_id, order_line_id)
    SELECT a.id, a.version + g.place, g.points, g.points, true, false, g."time", g."time", '2027-12-31T16:00:00Z',
           'order', 'order:' || g.code, (SELECT max(id) FROM loyalty_earningruleversion), g.line_id
    FROM granted g JOIN account a ON a.id = g.account_id
), grown AS MATERIALIZED (
    SELECT e.member_id, e."time", p.id AS order_id, p.code, p.growth_due,
           row_number() OVER mine AS place, sum(p.growth_due * 100) OVER mine AS running
    FROM event e JOIN placed p ON p.code = e.data->>'order'
    WINDOW mine AS (PARTITION BY e.member_id ORDER BY p.id)
), standing AS (
    UPDATE loyalty_standing s SET growth = s.growth + g.growth, version = s.version + g.entries, grown_at = now()
    FROM (SELECT member_id, sum(growth_due * 100)::bigint AS growth, count(*) AS entries FROM grown GROUP BY member_id) g
    WHERE s.member_id = g.member_id
    RETURNING s.member_id, s.growth - g.growth AS growth, s.version - g.entries AS version
), growth AS (
    INSERT INTO loyalty_growthentry
        (member_id, seq, kind, criterion, base, percent, asked, delta, balance_after, occurred_on, at, reference, order_id,
         policy_id, ladder_id)
    SELECT s.member_id, s.version + g.place, 'order', 'consumption', g.growth_due, 100, g.growth_due * 100, g.growth_due * 100,
           s.growth + g.running, g."time"::date, now(), 'order:' || g.code, g.order_id,
           (SELECT max(id) FROM loyalty_growthpolicy), (SELECT max(id) FROM loyalty_ladder)
    FROM grown g JOIN standing s ON s.member_id = g.member_id
), changed AS (
    INSERT INTO loyalty_changedday (member_id, day) SELECT DISTINCT member_id, "time"::date FROM event
), fact AS (
    INSERT INTO common_fact (uuid, topic, key, payload, at)
    SELECT gen_random_uuid(), t.topic, e.subject,
           CASE t.topic WHEN 'points.earned'
                THEN jsonb_build_object('points', p.points_due, 'pending', 0, 'reference', 'order:' || p.code)
                ELSE jsonb_build_object('order', p.code, 'at', e."time", 'cash', p.cash, 'points', p.points_due,
                                        'channel', e.data->>'channel', 'lines', e.data->'lines') END, now()
    FROM event e JOIN placed p ON p.code = e.data->>'order',
         (VALUES ('order.completed'), ('points.earned')) AS t(topic)
)
SELECT count(*) FROM placed
"""

_WRITTEN = (
    "common_inboxevent",
    "common_fact",
    "loyalty_order",
    "loyalty_orderline",
    "loyalty_entry",
    "loyalty_lot",
    "loyalty_growthentry",
)


def event(number: int, members: int) -> dict:
    """A completed order of two lines that earns 99 points; members take turns."""
    lines = [
        {"line": str(n), "sku": f"sku-{n}", "category": "books", "store": "acme", "quantity": 1, "cash": cash}
        for n, cash in ((1, 6600), (2, 3300))
    ]
    return {
        "specversion": "1.0",
        "id": f"bench-{number}",
        "source": "/bench",
        "type": "order.completed",
        "time": worlds.NOW.isoformat(),
        "subject": worlds.name(number % (members // 2)),
        "data": {"order": f"o-{number}", "channel": "app", "lines": lines},
    }


def measure(server: str, database: str, *, members: int, singles: int, batches: int, clients: int) -> list[Result]:
    """Ours and the floor, each on fresh copies of `database`; fails if the two did not write the same rows."""
    with databases.clone(server, database) as url:
        key = worlds.key()
        statements = _statements(key, members)
        with load.web_server(url, clients) as port:
            single, batch, written = _over_http(port, key, members, singles, batches, clients)
            http = load.bare(port, singles, clients)
    with databases.clone(server, database) as url:
        floor_single, floor_batch, floor_written = _by_hand(url, members, singles, batches, clients)
    compare(written, floor_written)
    return [
        Result("single events over HTTP", singles, "event", single, floor_single, queries=statements, http=http),
        Result("batches of 1,000 over HTTP", batches * BATCH, "event", batch, floor_batch, aim=3),
    ]


def _over_http(
    port: int, key: str, members: int, singles: int, batches: int, clients: int
) -> tuple[float, float, dict]:
    rows = Rows(*_WRITTEN)

    def one():
        call = load.http_client(port, key)
        return lambda number: call("POST", "/api/v1/events", event(number, members))

    def many():
        call = load.http_client(port, key)
        return lambda number: _check(call("POST", "/api/v1/events", _batch(number, members)))

    single = load.drive(one, singles, clients, warm_up=10 * clients)
    batch = load.drive(many, batches, 1, warm_up=1)
    return single, batch, rows.written()


def _check(results: list[dict]) -> None:
    if any(result["status"] != "applied" for result in results):
        raise RuntimeError("an event of a batch was not applied")


def _by_hand(url: str, members: int, singles: int, batches: int, clients: int) -> tuple[float, float, dict]:
    rows = Rows(*_WRITTEN)

    def one():
        run = load.sql_client(url, _FLOOR)
        return lambda number: run({"events": json.dumps([event(number, members)])})

    def many():
        run = load.sql_client(url, _FLOOR)
        return lambda number: run({"events": json.dumps(_batch(number, members))})

    single = load.drive(one, singles, clients, warm_up=10 * clients)
    batch = load.drive(many, batches, 1, warm_up=1)
    return single, batch, rows.written()


def _batch(number: int, members: int) -> list[dict]:
    first = 10**6 * (number + 1)
    return [event(first + offset, members) for offset in range(BATCH)]


def _statements(key: str, members: int) -> int:
    """Statements that one event costs, the key's included, once the process is warm."""
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Key {key}"})
    for number in (-3, -2, -1):
        with queries.counted() as statements:
            answer = client.post("/api/v1/events", event(number, members), content_type="application/json")
        if answer.status_code != 201:
            raise RuntimeError(answer.content)
    return len(statements)
