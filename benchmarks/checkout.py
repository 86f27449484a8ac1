"""Reading a balance and holding points for a checkout, over HTTP, against hand-written statements."""

from __future__ import annotations

import uuid

from django.test import Client

from benchmarks import databases, load, queries, worlds
from benchmarks.results import Result
from benchmarks.rows import Rows, compare

_BALANCE = """
SELECT a.available, a.pending, a.held, a.owed, l.expires_at, l.available_at, l.remaining, l.is_pending
FROM members_member m
JOIN loyalty_wallet w ON w.member_id = m.id
JOIN loyalty_account a ON a.id = w.account_id
LEFT JOIN loyalty_lot l ON l.account_id = a.id AND l.is_open
WHERE m.external_id = %(member)s
"""

# The lock and the balance, the draws soonest-expiring first, both entries, the lots, the hold and its line.
_HOLD = """
WITH account AS (
    UPDATE loyalty_account a SET available = a.available - %(points)s, held = a.held + %(points)s, version = a.version + 2
    FROM loyalty_wallet w JOIN members_member m ON m.id = w.member_id
    WHERE w.account_id = a.id AND m.external_id = %(member)s AND a.available >= %(points)s
    RETURNING a.id, a.available, a.held, a.version
), lot AS (
    SELECT l.id, l.account_id, l.lot_seq, l.remaining,
           sum(l.remaining) OVER (ORDER BY l.expires_at, l.lot_seq) - l.remaining AS before
    FROM loyalty_lot l JOIN account a ON a.id = l.account_id
    WHERE l.is_open AND NOT l.is_pending AND l.expires_at > now()
), taken AS MATERIALIZED (
    SELECT id, account_id, lot_seq, least(remaining, %(points)s - before)::bigint AS points
    FROM lot WHERE before < %(points)s
), drawn AS (
    UPDATE loyalty_lot l SET remaining = l.remaining - t.points, is_open = l.remaining > t.points
    FROM taken t WHERE l.id = t.id
), draw AS (
    INSERT INTO loyalty_draw (account_id, seq, lot_seq, points)
    SELECT a.id, a.version - 1, t.lot_seq, t.points FROM taken t, account a
), entry AS (
    INSERT INTO loyalty_entry (account_id, seq, unit, kind, delta, balance_after, contra, reference, posted_on, at)
    SELECT id, version - 1, 'points', 'hold', -%(points)s::bigint, available, 'held', 'checkout', current_date, now()
    FROM account
    UNION ALL
    SELECT id, version, 'held', 'hold', %(points)s, held, 'points', 'checkout', current_date, now() FROM account
), hold AS (
    INSERT INTO loyalty_hold (uuid, account_id, seq, points, status, order_code, created_at, expires_at)
    SELECT %(uuid)s::uuid, id, version - 1, %(points)s, 'open', %(order)s, now(), now() + interval '30 minutes'
    FROM account RETURNING id
)
INSERT INTO loyalty_holdline (hold_id, number, points) SELECT id, '1', %(points)s FROM hold RETURNING id
"""

_POINTS = 1000
_WRITTEN = ("loyalty_entry", "loyalty_draw", "loyalty_hold", "loyalty_holdline", "common_fact")


def measure(server: str, database: str, *, members: int, operations: int, clients: int) -> list[Result]:
    """Balance reads and checkout holds, each of another member, on fresh copies of `database`."""
    with databases.clone(server, database) as url:
        key = worlds.key()
        read_statements, hold_statements = _statements(key, members)
        with load.web_server(url, clients) as port:
            rows = Rows(*_WRITTEN)
            read, hold = _over_http(port, key, members, operations, clients)
            written = rows.written()
            http = load.bare(port, operations, clients)
    with databases.clone(server, database) as url:
        rows = Rows(*_WRITTEN)
        floor_read, floor_hold = _by_hand(url, members, operations, clients)
        compare(written, rows.written())
    return [
        Result("balance reads over HTTP", operations, "read", read, floor_read, queries=read_statements, http=http),
        Result("checkout holds over HTTP", operations, "hold", hold, floor_hold, queries=hold_statements, http=http),
    ]


def _member(number: int, members: int) -> str:
    return worlds.name(number % (members // 2))


def request(number: int, member: str) -> dict:
    """A hold of 1,000 points on an order of one line that could take 2,500."""
    return {"member": member, "points": _POINTS, "order": f"h-{number}", "lines": [{"line": "1", "cash": 5000}]}


def _over_http(port: int, key: str, members: int, operations: int, clients: int) -> tuple[float, float]:
    def reader():
        call = load.http_client(port, key)
        return lambda number: call("GET", f"/api/v1/members/{_member(number, members)}")

    def holder():
        call = load.http_client(port, key)
        return lambda number: call("POST", "/api/v1/holds", request(number, _member(number, members)))

    return (
        load.drive(reader, operations, clients, warm_up=10 * clients),
        load.drive(holder, operations, clients, warm_up=10 * clients),
    )


def _by_hand(url: str, members: int, operations: int, clients: int) -> tuple[float, float]:
    def reader():
        run = load.sql_client(url, _BALANCE)
        return lambda number: run({"member": _member(number, members)})

    def holder():
        run = load.sql_client(url, _HOLD)

        def hold(number: int) -> None:
            params = {
                "member": _member(number, members),
                "points": _POINTS,
                "order": f"h-{number}",
                "uuid": uuid.uuid4(),
            }
            if not run(params):
                raise RuntimeError("the floor found too few points")

        return hold

    return (
        load.drive(reader, operations, clients, warm_up=10 * clients),
        load.drive(holder, operations, clients, warm_up=10 * clients),
    )


def _statements(key: str, members: int) -> tuple[int, int]:
    """Statements that a balance read and a hold cost, the key's included, once the process is warm."""
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Key {key}"})
    member = _member(-1, members)
    for number in (-1, -2):
        with queries.counted() as read:
            answers = [client.get(f"/api/v1/members/{member}")]
        with queries.counted() as hold:
            answers.append(client.post("/api/v1/holds", request(number, member), content_type="application/json"))
        if any(answer.status_code >= 300 for answer in answers):
            raise RuntimeError(answers[-1].content)
    return len(read), len(hold)
