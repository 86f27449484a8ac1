"""Plays of games against the ledger, the stocks, the budgets and the tickets."""

from django.utils.translation import gettext_lazy as _

from loyalty.services.invariants import Invariant

# A UUID is text with or without dashes, as the database likes it; the ledger's references have them. A prize of points
# is paid as one entry a lot; a stake comes back as one or several.
_MOVED = """
    SELECT REPLACE(SUBSTR(reference, 6), '-', '') AS uuid, kind, SUM(delta) AS points
    FROM loyalty_entry
    WHERE SUBSTR(reference, 1, 5) = 'game:' AND unit = 'points' AND kind IN ('redeem', 'earn', 'restore')
    GROUP BY 1, 2
"""

# Who has left, also as the one into whom others were merged: nothing is paid to them (domain.md E58, E59).
_GONE = """
    WITH RECURSIVE gone (id) AS (
        SELECT id FROM members_member WHERE status = 'closed'
        UNION ALL
        SELECT m.id FROM gone g JOIN members_member m ON m.merged_into_id = g.id
    )
    SELECT id FROM gone
"""

PLAYS_MOVE_THEIR_POINTS = Invariant(
    "plays_move_their_points",
    _("A play took just its stake, and brought just the points it won, or its stake back."),
    f"""
    SELECT 'play' AS kind, CAST(p.uuid AS text) AS key,
           'stake ' || p.stake || ', the ledger took ' || COALESCE(-s.points, 0) || ', paid '
           || COALESCE(e.points, 0) || ', gave back ' || COALESCE(b.points, 0) AS detail
    FROM rewards_play p
    LEFT JOIN ({_MOVED}) s ON s.uuid = REPLACE(CAST(p.uuid AS text), '-', '') AND s.kind = 'redeem'
    LEFT JOIN ({_MOVED}) e ON e.uuid = REPLACE(CAST(p.uuid AS text), '-', '') AND e.kind = 'earn'
    LEFT JOIN ({_MOVED}) b ON b.uuid = REPLACE(CAST(p.uuid AS text), '-', '') AND b.kind = 'restore'
    LEFT JOIN rewards_prize i ON i.id = p.prize_id
    LEFT JOIN rewards_outcome o ON o.play_id = p.id
    LEFT JOIN rewards_prize w ON w.id = o.prize_id
    WHERE COALESCE(-s.points, 0) <> p.stake
       OR (p.ticket IS NULL AND (COALESCE(e.points, 0) <> COALESCE(i.points, 0) OR b.points IS NOT NULL))
       OR (p.ticket IS NOT NULL AND o.settled_at IS NULL AND (e.points IS NOT NULL OR b.points IS NOT NULL))
       OR (p.ticket IS NOT NULL AND o.settled_at IS NOT NULL AND p.member_id NOT IN ({_GONE})
           AND (COALESCE(e.points, 0) <> COALESCE(w.points, 0)
                OR COALESCE(b.points, 0) <> CASE WHEN o.prize_id IS NULL THEN p.stake ELSE 0 END))
    """,
)

PRIZES_LEAVE_THE_STOCK = Invariant(
    "prizes_leave_the_stock",
    _("As many of a prize are gone as plays won it; of a lottery, no more are won than there are."),
    """
    SELECT 'prize' AS kind, CAST(z.id AS text) AS key,
           z.name || ': ' || z.remaining || ' of ' || z.stock || ' left; plays won ' || COALESCE(p.plays, 0)
           || ', tickets ' || COALESCE(o.tickets, 0) AS detail
    FROM rewards_prize z
    LEFT JOIN (SELECT prize_id, COUNT(*) AS plays FROM rewards_play GROUP BY prize_id) p ON p.prize_id = z.id
    LEFT JOIN (SELECT prize_id, COUNT(*) AS tickets FROM rewards_outcome GROUP BY prize_id) o ON o.prize_id = z.id
    WHERE z.stock IS NOT NULL
      AND (z.stock - z.remaining <> COALESCE(p.plays, 0) OR COALESCE(o.tickets, 0) > z.stock)
    """,
)

DAYS_GIVE_WHAT_PLAYS_WON = Invariant(
    "days_give_what_plays_won",
    _("A day of a game with a budget has given just what its plays won, and no more than the budget."),
    """
    SELECT 'day' AS kind, CAST(d.id AS text) AS key,
           d.day || ': ' || d.value || ' counted, plays won ' || COALESCE(p.value, 0) AS detail
    FROM rewards_gameday d
    JOIN rewards_gameversion v ON v.id = d.version_id
    LEFT JOIN (
        SELECT version_id, played_on, SUM(value) AS value FROM rewards_play GROUP BY version_id, played_on
    ) p ON p.version_id = d.version_id AND p.played_on = d.day
    WHERE d.value <> COALESCE(p.value, 0) OR d.value > v.daily_budget
    """,
)

TICKETS_HAVE_NO_GAP = Invariant(
    "tickets_have_no_gap",
    _("The tickets of a lottery are numbered from 1 to as many as were sold."),
    """
    SELECT 'lottery' AS kind, CAST(v.id AS text) AS key,
           v.tickets_sold || ' sold, ' || COUNT(p.ticket) || ' there, the last ' || COALESCE(MAX(p.ticket), 0) AS detail
    FROM rewards_gameversion v
    LEFT JOIN rewards_play p ON p.version_id = v.id
    GROUP BY v.id, v.tickets_sold
    HAVING v.tickets_sold <> COUNT(p.ticket) OR v.tickets_sold <> COALESCE(MAX(p.ticket), 0)
    """,
)
