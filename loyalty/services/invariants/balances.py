"""The four balances of an account against everything they summarise."""

from django.utils.translation import gettext_lazy as _

from .invariant import Invariant

BALANCES_ARE_ENTRIES = Invariant(
    "balances_are_entries",
    _("Every balance is the sum of its entries."),
    """
    SELECT 'account' AS kind, CAST(a.id AS text) AS key,
           'available, pending, held, owed are ' || a.available || ', ' || a.pending || ', ' || a.held || ', ' || a.owed
           || '; the entries say ' || COALESCE(e.points, 0) || ', ' || COALESCE(e.pending, 0) || ', '
           || COALESCE(e.held, 0) || ', ' || COALESCE(e.debt, 0) AS detail
    FROM loyalty_account a
    LEFT JOIN (
        SELECT account_id,
               SUM(CASE WHEN unit = 'points' THEN delta ELSE 0 END) AS points,
               SUM(CASE WHEN unit = 'pending' THEN delta ELSE 0 END) AS pending,
               SUM(CASE WHEN unit = 'held' THEN delta ELSE 0 END) AS held,
               SUM(CASE WHEN unit = 'debt' THEN delta ELSE 0 END) AS debt
        FROM loyalty_entry GROUP BY account_id
    ) e ON e.account_id = a.id
    WHERE a.available <> COALESCE(e.points, 0) OR a.pending <> COALESCE(e.pending, 0)
       OR a.held <> COALESCE(e.held, 0) OR a.owed <> COALESCE(e.debt, 0)
    """,
)

BALANCES_ARE_LOTS = Invariant(
    "balances_are_lots",
    _("Available and pending points are what remains of the lots."),
    """
    SELECT 'account' AS kind, CAST(a.id AS text) AS key,
           'available, pending are ' || a.available || ', ' || a.pending || '; the lots hold '
           || COALESCE(l.available, 0) || ', ' || COALESCE(l.pending, 0) AS detail
    FROM loyalty_account a
    LEFT JOIN (
        SELECT account_id,
               SUM(CASE WHEN is_pending THEN 0 ELSE remaining END) AS available,
               SUM(CASE WHEN is_pending THEN remaining ELSE 0 END) AS pending
        FROM loyalty_lot WHERE is_open GROUP BY account_id
    ) l ON l.account_id = a.id
    WHERE a.available <> COALESCE(l.available, 0) OR a.pending <> COALESCE(l.pending, 0)
    """,
)

HELD_IS_OPEN_HOLDS = Invariant(
    "held_is_open_holds",
    _("Held points are the sum of the open holds."),
    """
    SELECT 'account' AS kind, CAST(a.id AS text) AS key,
           'held are ' || a.held || ', the open holds say ' || COALESCE(h.points, 0) AS detail
    FROM loyalty_account a
    LEFT JOIN (
        SELECT account_id, SUM(points) AS points FROM loyalty_hold WHERE status = 'open' GROUP BY account_id
    ) h ON h.account_id = a.id
    WHERE a.held <> COALESCE(h.points, 0)
    """,
)

PROGRAMME_SUMS_TO_ZERO = Invariant(
    "programme_sums_to_zero",
    _("What the holders have is what the programme gave: all accounts together are zero."),
    """
    SELECT 'programme' AS kind, 'all' AS key,
           'the holders have ' || holders.points || ', the programme gave ' || programme.points AS detail
    FROM (SELECT COALESCE(SUM(available + pending + held - owed), 0) AS points FROM loyalty_account) holders,
         (SELECT COALESCE(SUM(CASE WHEN unit = 'debt' THEN -delta ELSE delta END), 0) AS points
          FROM loyalty_entry
          WHERE contra NOT IN ('points', 'pending', 'held', 'debt', 'holder')) programme
    WHERE holders.points <> programme.points
    """,
)
