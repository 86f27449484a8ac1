"""Lots and draws: what was granted, what was taken, and when."""

from django.utils.translation import gettext_lazy as _

from .invariant import Invariant

LOTS_ARE_GRANTED_LESS_DRAWN = Invariant(
    "lots_are_granted_less_drawn",
    _("What remains of a lot is what was granted less what was drawn."),
    """
    SELECT 'lot' AS kind, l.account_id || '/' || l.lot_seq AS key,
           l.remaining || ' of ' || l.earned || ' remain, drawn are ' || COALESCE(d.points, 0) AS detail
    FROM loyalty_lot l
    LEFT JOIN (
        SELECT account_id, lot_seq, SUM(points) AS points FROM loyalty_draw GROUP BY account_id, lot_seq
    ) d ON d.account_id = l.account_id AND d.lot_seq = l.lot_seq
    WHERE l.remaining <> l.earned - COALESCE(d.points, 0)
    """,
)

DRAWS_STAY_WITHIN_THE_ACCOUNT = Invariant(
    "draws_stay_within_the_account",
    _("A draw names a lot and an entry of its own account."),
    """
    SELECT 'draw' AS kind, d.account_id || '/' || d.seq AS key,
           'the account has no such lot or entry; lot ' || d.lot_seq AS detail
    FROM loyalty_draw d
    LEFT JOIN loyalty_lot l ON l.account_id = d.account_id AND l.lot_seq = d.lot_seq
    LEFT JOIN loyalty_entry e ON e.account_id = d.account_id AND e.seq = d.seq
    WHERE l.id IS NULL OR e.id IS NULL
    """,
)

LOTS_HAVE_THEIR_ENTRY = Invariant(
    "lots_have_their_entry",
    _("Every lot was granted by the entry whose number it bears."),
    """
    SELECT 'lot' AS kind, l.account_id || '/' || l.lot_seq AS key, 'no entry granted it' AS detail
    FROM loyalty_lot l
    LEFT JOIN loyalty_entry e ON e.account_id = l.account_id AND e.seq = l.lot_seq
    WHERE e.id IS NULL
    """,
)

ENTRIES_ARE_GRANTED_LESS_DRAWN = Invariant(
    "entries_are_granted_less_drawn",
    _("Points that come or go come from lots and go to lots, to the point."),
    """
    SELECT 'entry' AS kind, e.account_id || '/' || e.seq AS key,
           e.kind || ' of ' || e.delta || ' ' || e.unit || '; granted ' || COALESCE(l.earned, 0) || ', drawn '
           || COALESCE(d.points, 0) AS detail
    FROM loyalty_entry e
    LEFT JOIN loyalty_lot l ON l.account_id = e.account_id AND l.lot_seq = e.seq
    LEFT JOIN (
        SELECT account_id, seq, SUM(points) AS points FROM loyalty_draw GROUP BY account_id, seq
    ) d ON d.account_id = e.account_id AND d.seq = e.seq
    -- Points that mature stay in their lots; held points and debts have none.
    WHERE CASE WHEN e.unit IN ('points', 'pending') AND e.kind <> 'mature' THEN e.delta ELSE 0 END
          <> COALESCE(l.earned, 0) - COALESCE(d.points, 0)
    """,
)

NOTHING_MOVES_AFTER_EXPIRY = Invariant(
    "nothing_moves_after_expiry",
    _("Nothing is drawn from or given back to a lot after its expiry, and nothing expires before."),
    """
    SELECT 'lot' AS kind, l.account_id || '/' || l.lot_seq AS key,
           e.kind || ' of ' || d.points || ' at ' || CAST(e.at AS text) || '; the lot expires at '
           || CAST(l.expires_at AS text) AS detail
    FROM loyalty_draw d
    JOIN loyalty_entry e ON e.account_id = d.account_id AND e.seq = d.seq
    JOIN loyalty_lot l ON l.account_id = d.account_id AND l.lot_seq = d.lot_seq
    -- A hold that is let go gives back what expires in the next entry; a member who leaves gives all points up.
    WHERE (e.at >= l.expires_at AND e.kind NOT IN ('expire', 'release'))
       OR (e.at < l.expires_at AND e.kind = 'expire' AND substr(e.reference, 1, 7) <> 'closed:')
    """,
)
