"""Events in and facts out: each event has one outcome, and what was posted was announced."""

from django.utils.translation import gettext_lazy as _

from .invariant import Invariant

EVENTS_HAVE_ONE_OUTCOME = Invariant(
    "events_have_one_outcome",
    _("Every event was taken in once, with one outcome."),
    """
    SELECT 'event' AS kind, source || ' ' || event_id AS key,
           COUNT(*) || ' rows, outcome ' || MIN(status) || ' to ' || MAX(status) AS detail
    FROM common_inboxevent
    GROUP BY source, event_id
    HAVING COUNT(*) <> 1 OR MIN(status) NOT IN ('applied', 'ignored')
    """,
)

POSTED_IS_PUBLISHED = Invariant(
    "posted_is_published",
    _("What members earned, spent, got back, lost and let expire was announced to the point."),
    """
    SELECT 'fact' AS kind, topic || ' ' || reference AS key,
           'posted ' || SUM(posted) || ', announced ' || SUM(announced) AS detail
    FROM (
        SELECT CASE e.kind WHEN 'earn' THEN 'points.earned' WHEN 'redeem' THEN 'points.spent'
                           WHEN 'restore' THEN 'points.restored' WHEN 'clawback' THEN 'points.clawed_back'
                           ELSE 'points.expired' END AS topic,
               e.reference, CASE WHEN e.kind IN ('earn', 'restore') THEN e.delta ELSE -e.delta END AS posted,
               0 AS announced
        FROM loyalty_entry e
        JOIN loyalty_wallet w ON w.account_id = e.account_id
        WHERE e.kind IN ('earn', 'redeem', 'restore', 'clawback', 'expire')
        UNION ALL
        SELECT f.topic, {reference_of_fact}, 0, {points_of_fact}
        FROM common_fact f
        WHERE f.topic IN ('points.earned', 'points.spent', 'points.restored', 'points.clawed_back', 'points.expired')
    ) j
    GROUP BY topic, reference
    HAVING SUM(posted) <> SUM(announced)
    """,
)
