"""Holds against the entries that made and ended them."""

from django.utils.translation import gettext_lazy as _

from .invariant import Invariant

HOLDS_HAVE_THEIR_ENTRY = Invariant(
    "holds_have_their_entry",
    _("A hold took just its points, and its lines share them."),
    """
    SELECT 'hold' AS kind, h.account_id || '/' || h.seq AS key,
           'holds ' || h.points || ', its entry took ' || COALESCE(-e.delta, 0) || ', its lines share '
           || COALESCE(l.points, 0) AS detail
    FROM loyalty_hold h
    LEFT JOIN loyalty_entry e
           ON e.account_id = h.account_id AND e.seq = h.seq AND e.kind = 'hold' AND e.unit = 'points'
    LEFT JOIN (SELECT hold_id, SUM(points) AS points FROM loyalty_holdline GROUP BY hold_id) l ON l.hold_id = h.id
    WHERE e.id IS NULL OR e.delta <> -h.points OR l.points <> h.points
    """,
)

HOLDS_END_AS_THEY_SAY = Invariant(
    "holds_end_as_they_say",
    _("Captured holds were spent, released and lapsed ones were let go."),
    """
    SELECT 'account' AS kind, CAST(account_id AS text) AS key,
           'holds say ' || SUM(captured) || ' captured and ' || SUM(let_go) || ' let go; the entries '
           || SUM(redeemed) || ' and ' || SUM(released) AS detail
    FROM (
        SELECT account_id, CASE WHEN status = 'captured' THEN points ELSE 0 END AS captured,
               CASE WHEN status IN ('released', 'lapsed') THEN points ELSE 0 END AS let_go,
               0 AS redeemed, 0 AS released
        FROM loyalty_hold
        UNION ALL
        SELECT account_id, 0, 0, CASE WHEN kind = 'redeem' THEN -delta ELSE 0 END,
               CASE WHEN kind = 'release' THEN -delta ELSE 0 END
        FROM loyalty_entry WHERE unit = 'held' AND delta < 0
    ) h
    GROUP BY account_id
    HAVING SUM(captured) <> SUM(redeemed) OR SUM(let_go) <> SUM(released)
    """,
)
