"""Growth and tiers against their ledgers (docs/ledger.md, invariant 8)."""

from django.utils.translation import gettext_lazy as _

from .invariant import Invariant

GROWTH_IS_ITS_ENTRIES = Invariant(
    "growth_is_its_entries",
    _("The growth of every member is the sum of the growth entries."),
    """
    SELECT 'member' AS kind, m.external_id AS key,
           'growth is ' || s.growth || ' after ' || s.version || ' entries; there are ' || COALESCE(e.entries, 0)
           || ' with ' || COALESCE(e.growth, 0) || ' in all' AS detail
    FROM loyalty_standing s
    JOIN members_member m ON m.id = s.member_id
    LEFT JOIN (
        SELECT member_id, COUNT(*) AS entries, MAX(seq) AS last, SUM(delta) AS growth
        FROM loyalty_growthentry GROUP BY member_id
    ) e ON e.member_id = s.member_id
    WHERE s.growth <> COALESCE(e.growth, 0) OR s.version <> COALESCE(e.entries, 0) OR s.version <> COALESCE(e.last, 0)
    """,
)

RUNNING_GROWTH = Invariant(
    "running_growth",
    _("Every growth entry says what growth was after it."),
    """
    SELECT 'growth entry' AS kind, CAST(id AS text) AS key,
           'growth after it is ' || running || ', it says ' || balance_after AS detail
    FROM (
        SELECT id, balance_after, SUM(delta) OVER (PARTITION BY member_id ORDER BY seq) AS running
        FROM loyalty_growthentry
    ) e
    WHERE running <> balance_after
    """,
)

ORDERS_GROW_WHAT_IS_DUE = Invariant(
    "orders_grow_what_is_due",
    _("An order has given just the growth that is due for what was kept of it."),
    """
    SELECT 'order' AS kind, o.code AS key,
           'growth due is ' || o.growth_due || ', the entries gave ' || e.base AS detail
    FROM loyalty_order o
    JOIN (
        SELECT order_id, SUM(base) AS base FROM loyalty_growthentry
        WHERE order_id IS NOT NULL AND criterion = 'consumption' GROUP BY order_id
    ) e ON e.order_id = o.id
    WHERE e.base <> o.growth_due
    """,
)

TIERS_ARE_THEIR_HISTORY = Invariant(
    "tiers_are_their_history",
    _("Every member's tier is the one the history ends with."),
    """
    SELECT 'member' AS kind, m.external_id AS key,
           'the tier is ' || COALESCE(CAST(s.tier_id AS text), 'none') || ', the history ends with '
           || COALESCE(CAST(c.after_id AS text), 'none') AS detail
    FROM loyalty_standing s
    JOIN members_member m ON m.id = s.member_id
    LEFT JOIN (
        SELECT member_id, after_id, row_number() OVER (PARTITION BY member_id ORDER BY id DESC) AS place
        FROM loyalty_tierchange
    ) c ON c.member_id = s.member_id AND c.place = 1
    WHERE s.tier_id IS DISTINCT FROM c.after_id
    """,
)
