"""Redemptions against the ledger, the stocks, the codes and their own history."""

from django.utils.translation import gettext_lazy as _

from loyalty.services.invariants import Invariant

# A UUID is text with or without dashes, as the database likes it; the ledger's references have them.
_MOVED = """
    SELECT REPLACE(SUBSTR(reference, 12), '-', '') AS uuid, kind, SUM(delta) AS points
    FROM loyalty_entry
    WHERE SUBSTR(reference, 1, 11) = 'redemption:' AND kind IN ('redeem', 'restore')
    GROUP BY 1, 2
"""

POINTS_ARE_SPENT = Invariant(
    "redemptions_spend_their_points",
    _("A redemption that was placed took just its points from the ledger; one that waits holds them."),
    f"""
    SELECT 'redemption' AS kind, CAST(r.uuid AS text) AS key,
           r.status || ', costs ' || r.points || '; the ledger spent ' || COALESCE(-e.points, 0) || ', held '
           || COALESCE(h.points, 0) AS detail
    FROM rewards_redemption r
    LEFT JOIN ({_MOVED}) e ON e.uuid = REPLACE(CAST(r.uuid AS text), '-', '') AND e.kind = 'redeem'
    LEFT JOIN loyalty_hold h ON h.id = r.hold_id
    WHERE COALESCE(-e.points, 0) <> CASE
              WHEN r.status = 'held' OR (r.status = 'cancelled' AND h.status <> 'captured') THEN 0 ELSE r.points END
       OR h.points <> r.points OR h.seq <> r.seq OR (r.status <> 'held' AND h.status = 'open')
    """,
)

POINTS_COME_BACK = Invariant(
    "redemptions_restore_what_they_say",
    _("What a cancelled or returned redemption says came back did come back, and never more than was spent."),
    f"""
    SELECT 'redemption' AS kind, CAST(r.uuid AS text) AS key,
           r.status || ', says ' || r.restored || ' came back; the ledger ' || COALESCE(e.points, 0) AS detail
    FROM rewards_redemption r
    LEFT JOIN ({_MOVED}) e ON e.uuid = REPLACE(CAST(r.uuid AS text), '-', '') AND e.kind = 'restore'
    LEFT JOIN loyalty_hold h ON h.id = r.hold_id
    WHERE COALESCE(e.points, 0) <> CASE WHEN h.status IN ('released', 'lapsed') THEN 0 ELSE r.restored END
       OR (r.restored > 0 AND r.status NOT IN ('cancelled', 'returned'))
    """,
)

STOCKS_ARE_THEIR_REDEMPTIONS = Invariant(
    "stocks_are_their_redemptions",
    _("A stock has reserved and sold what its redemptions took, and never more than there is."),
    """
    SELECT 'reward' AS kind, w.code AS key,
           'reserved ' || w.reserved || ' and sold ' || w.sold || ' of ' || COALESCE(CAST(w.stock AS text), 'any number')
           || '; redemptions took ' || COALESCE(r.held, 0) || ' and ' || COALESCE(r.sold, 0) AS detail
    FROM rewards_reward w
    LEFT JOIN (
        SELECT reward_id, SUM(CASE WHEN status = 'held' THEN 1 ELSE 0 END) AS held,
               SUM(CASE WHEN status IN ('held', 'cancelled', 'returned') THEN 0 ELSE 1 END) AS sold
        FROM rewards_redemption WHERE from_stock GROUP BY reward_id
    ) r ON r.reward_id = w.id
    WHERE w.reserved <> COALESCE(r.held, 0) OR w.sold <> COALESCE(r.sold, 0) OR w.sold + w.reserved > w.stock
    """,
)

CODES_ARE_HANDED_OUT_ONCE = Invariant(
    "codes_are_handed_out_once",
    _("No code is handed out twice, and whoever has a reward with a code has one, or has one set aside."),
    """
    SELECT 'redemption' AS kind, CAST(r.uuid AS text) AS key,
           r.status || ', has ' || COUNT(c.id) || ' codes, ' || COALESCE(MIN(c.status), 'none') AS detail
    FROM rewards_redemption r
    JOIN rewards_reward w ON w.id = r.reward_id AND w.codes <> 'none'
    LEFT JOIN rewards_code c ON c.redemption_id = r.id
    WHERE r.status IN ('delivered', 'used', 'expired') OR (r.status = 'held' AND w.codes = 'partner')
       OR c.status = 'reserved'
    GROUP BY r.id, r.uuid, r.status
    HAVING COUNT(c.id) <> 1
        OR MIN(c.status) <> CASE r.status WHEN 'delivered' THEN 'claimed' WHEN 'held' THEN 'reserved' ELSE r.status END
    UNION ALL
    SELECT 'code', w.code || ' ' || c.code, 'stands ' || COUNT(*) || ' times'
    FROM rewards_code c JOIN rewards_reward w ON w.id = c.reward_id
    GROUP BY w.code, c.code
    HAVING COUNT(*) > 1
    """,
)

STATES_ARE_THEIR_HISTORY = Invariant(
    "redemption_states_are_their_history",
    _("A redemption stands where its history led it, step by step."),
    """
    SELECT 'redemption' AS kind, CAST(r.uuid AS text) AS key,
           'is ' || r.status || '; a step led from ' || COALESCE(e.before, 'nowhere') || ' to '
           || COALESCE(e.after, 'nowhere') AS detail
    FROM rewards_redemption r
    LEFT JOIN (
        SELECT redemption_id, before, after,
               LAG(after, 1, '') OVER (PARTITION BY redemption_id ORDER BY id) AS came_from,
               LEAD(id) OVER (PARTITION BY redemption_id ORDER BY id) AS next
        FROM rewards_redemptionevent
    ) e ON e.redemption_id = r.id
    WHERE e.redemption_id IS NULL OR e.before <> e.came_from OR (e.next IS NULL AND e.after <> r.status)
    """,
)
