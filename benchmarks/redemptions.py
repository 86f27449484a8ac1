"""Taking a reward over HTTP against one hand-written statement, and the catalogue of 500 rewards for one member."""

from __future__ import annotations

import uuid

from django.test import Client

from benchmarks import databases, load, queries, worlds
from benchmarks.results import Result
from benchmarks.rows import Rows, compare

_REWARDS = 500
_POINTS = 10
_WRITTEN = ("loyalty_entry", "loyalty_draw", "common_fact", "rewards_redemption", "rewards_redemptionevent")

# The member with tier and account, and for each visible reward its special price and what the member took of it.
_CATALOGUE = """
WITH shopper AS (
    SELECT m.id, m.status, t.rank, a.id AS account_id FROM members_member m
    JOIN loyalty_wallet w ON w.member_id = m.id JOIN loyalty_account a ON a.id = w.account_id
    JOIN loyalty_standing s ON s.member_id = m.id JOIN loyalty_tier t ON t.id = s.tier_id
    WHERE m.external_id = %(member)s
), balance AS (
    SELECT sum(l.remaining) AS points FROM loyalty_lot l JOIN shopper s ON s.account_id = l.account_id
    WHERE l.is_open AND NOT l.is_pending AND l.expires_at > now()
)
SELECT r.*, least(r.points, min(p.points)) AS price, s.rank, b.points AS available,
       (SELECT count(*) FROM rewards_redemption d WHERE d.member_id = s.id AND d.reward_id = r.id
           AND d.status NOT IN ('cancelled', 'returned')) AS taken
FROM rewards_reward r CROSS JOIN shopper s CROSS JOIN balance b
LEFT JOIN rewards_rewardprice p ON p.reward_id = r.id
LEFT JOIN loyalty_tier pt ON pt.id = p.tier_id AND pt.rank <= s.rank
WHERE r.status = 'active' AND (r.visible_from IS NULL OR r.visible_from <= now())
  AND (r.visible_until IS NULL OR r.visible_until > now())
GROUP BY r.id, s.id, s.rank, b.points ORDER BY r.points, r.id
"""

# The lock and the balance, the draws, the entry, the lots, the stock, the redemption, its step and the two facts.
_REDEEM = """
WITH reward AS (
    UPDATE rewards_reward SET sold = sold + 1 WHERE code = %(reward)s AND status = 'active' AND stock > sold + reserved
    RETURNING id, points, unit_cost
), account AS (
    UPDATE loyalty_account a SET available = a.available - r.points, version = a.version + 1
    FROM loyalty_wallet w JOIN members_member m ON m.id = w.member_id, reward r
    WHERE w.account_id = a.id AND m.external_id = %(member)s AND m.status = 'active' AND a.available >= r.points
    RETURNING a.id, a.available, a.version, m.id AS member_id
), lot AS (
    SELECT l.id, l.account_id, l.lot_seq, l.remaining,
           sum(l.remaining) OVER (ORDER BY l.expires_at, l.lot_seq) - l.remaining AS before
    FROM loyalty_lot l JOIN account a ON a.id = l.account_id
    WHERE l.is_open AND NOT l.is_pending AND l.expires_at > now()
), taken AS MATERIALIZED (
    SELECT l.id, account_id, lot_seq, least(remaining, r.points - before)::bigint AS points
    FROM lot l, reward r WHERE before < r.points
), drawn AS (
    UPDATE loyalty_lot l SET remaining = l.remaining - t.points, is_open = l.remaining > t.points
    FROM taken t WHERE l.id = t.id
), draw AS (
    INSERT INTO loyalty_draw (account_id, seq, lot_seq, points)
    SELECT a.id, a.version, t.lot_seq, t.points FROM taken t, account a
), entry AS (
    INSERT INTO loyalty_entry (account_id, seq, unit, kind, delta, balance_after, contra, reference, posted_on, at)
    SELECT a.id, a.version, 'points', 'redeem', -r.points, a.available, 'redeemed', 'redemption:' || %(uuid)s, current_date,
           now()
    FROM account a, reward r
), fact AS (
    INSERT INTO common_fact (uuid, topic, key, payload, at)
    SELECT gen_random_uuid(), topic, %(member)s, '{}', now() FROM account, unnest(ARRAY['points.spent', 'reward.redeemed']) topic
), redemption AS (
    INSERT INTO rewards_redemption (uuid, member_id, reward_id, status, points, cash, basis, unit_cost, merchant_cost,
        from_stock, key, account_id, seq, restored, created_at, taken_on, tracking, payment, order_code)
    SELECT %(uuid)s::uuid, a.member_id, r.id, 'placed', r.points, 0, 'list', r.unit_cost, 0, true, '', a.id, a.version, 0,
           now(), current_date, '', '', ''
    FROM account a, reward r RETURNING id
)
INSERT INTO rewards_redemptionevent (redemption_id, before, after, at, actor_label, reason)
SELECT id, '', 'placed', now(), 'bench', '' FROM redemption RETURNING id
"""


def measure(server: str, database: str, *, members: int, operations: int, clients: int) -> list[Result]:
    """Redemptions of gifts with a stock, each by another member, and catalogues, on fresh copies of `database`."""
    with databases.clone(server, database) as url:
        key = worlds.key()
        shelve()
        redeem_statements = _statements(key, members)
        rows = Rows(*_WRITTEN)
        with load.web_server(url, clients) as port:
            redeemed = load.drive(
                lambda: _redeemer(load.http_client(port, key), members), operations, clients, warm_up=10 * clients
            )
            http = load.bare(port, operations, clients)
        written = rows.written()
        catalogues = max(operations // 30, 10)
        looked = load.drive(lambda: _reader(members), catalogues, 1, warm_up=2)
        look_statements = _look_statements(members)
    with databases.clone(server, database) as url:
        shelve()
        rows = Rows(*_WRITTEN)
        floor = load.drive(lambda: _by_hand(url, members), operations, clients, warm_up=10 * clients)
        compare(written, rows.written())
        run = load.sql_client(url, _CATALOGUE)
        looked_floor = load.drive(
            lambda: lambda number: run({"member": _member(number, members)}), catalogues, 1, warm_up=2
        )
    return [
        Result("redemptions over HTTP", operations, "redemption", redeemed, floor, queries=redeem_statements, http=http),
        Result(
            f"catalogue of {_REWARDS} rewards with price and reasons", catalogues, "catalogue", looked, looked_floor,
            queries=look_statements,
        ),
    ]  # fmt: skip


def shelve() -> None:
    """500 gifts with a stock and a price for gold; every third one is limited, so no buyer shares a row with all others."""
    from loyalty.models import Tier
    from rewards.models import Reward, RewardPrice

    gold = Tier.objects.get(code="gold")
    made = Reward.objects.bulk_create(
        [
            Reward(
                code=f"gift-{n}", name=f"Gift {n}", kind="gift", points=_POINTS, status="active", stock=10**6,
                limit_ever=None if n % 3 else 1000,
            )
            for n in range(_REWARDS)
        ]
    )  # fmt: skip
    RewardPrice.objects.bulk_create([RewardPrice(reward=reward, tier=gold, points=_POINTS - 1) for reward in made])


def _member(number: int, members: int) -> str:
    return worlds.name(number % (members // 2))


def _redeemer(call, members: int):
    def redeem(number: int) -> None:
        body = {"reward": f"gift-{number % _REWARDS}"}
        call("POST", f"/api/v1/members/{_member(number, members)}/redemptions", body)

    return redeem


def _reader(members: int):
    """The selector that the page, the filter and the redemption ask: without HTTP, all 500 rewards at once."""
    from loyalty.selectors import members as selectors
    from rewards.selectors import catalogue

    def look(number: int) -> None:
        member = selectors.with_wallets().get(external_id=_member(number, members))
        if len(catalogue.offers(member, worlds.NOW)) != _REWARDS:
            raise RuntimeError("some rewards were not offered")

    return look


def _by_hand(url: str, members: int):
    run = load.sql_client(url, _REDEEM)

    def redeem(number: int) -> None:
        params = {"member": _member(number, members), "reward": f"gift-{number % _REWARDS}", "uuid": str(uuid.uuid4())}
        if not run(params):
            raise RuntimeError("the floor found too few points or no stock")

    return redeem


def _statements(key: str, members: int) -> int:
    """Statements that a redemption costs, the key's included, once the process is warm."""
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Key {key}"})
    for number in (-1, -2):
        address = f"/api/v1/members/{_member(number, members)}/redemptions"
        with queries.counted() as counted:
            answer = client.post(address, {"reward": "gift-1"}, content_type="application/json")
        if answer.status_code != 201:
            raise RuntimeError(answer.content)
    return len(counted)


def _look_statements(members: int) -> int:
    look = _reader(members)
    with queries.counted() as counted:
        look(1)
    return len(counted)
