"""Caps and budgets against the lots they paid for. A lot with a parent is older points in a new place."""

from django.utils.translation import gettext_lazy as _

from .invariant import Invariant

CAPS_WITHIN_LOTS = Invariant(
    "caps_within_lots",
    _("No cap counts more than its rule has given in its window."),
    """
    WITH by_day AS (
        SELECT l.account_id, v.rule_id, {local_day_of_lot} AS day, SUM(l.earned) AS points
        FROM loyalty_lot l
        JOIN loyalty_earningruleversion v ON v.id = l.rule_version_id
        WHERE l.parent_id IS NULL AND EXISTS (
            SELECT 1 FROM loyalty_capcounter c WHERE c.account_id = l.account_id AND c.rule_id = v.rule_id
        )
        GROUP BY 1, 2, 3
    ),
    given AS (
        SELECT account_id, rule_id, day AS name, points FROM by_day
        UNION ALL
        SELECT account_id, rule_id, substr(day, 1, 7), SUM(points) FROM by_day GROUP BY 1, 2, 3
        UNION ALL
        SELECT account_id, rule_id,
               substr(day, 1, 4) || '-Q' || ((CAST(substr(day, 6, 2) AS integer) + 2) / 3), SUM(points)
        FROM by_day GROUP BY 1, 2, 3
        UNION ALL
        SELECT account_id, rule_id, substr(day, 1, 4), SUM(points) FROM by_day GROUP BY 1, 2, 3
        UNION ALL
        SELECT account_id, rule_id, 'ever', SUM(points) FROM by_day GROUP BY 1, 2
    )
    SELECT 'account' AS kind, CAST(c.account_id AS text) AS key,
           'rule ' || r.code || ' in ' || c."window" || ' counts ' || c.used || ', given are '
           || COALESCE(g.points, 0) AS detail
    FROM loyalty_capcounter c
    JOIN loyalty_earningrule r ON r.id = c.rule_id
    LEFT JOIN given g ON g.account_id = c.account_id AND g.rule_id = c.rule_id AND g.name = c."window"
    WHERE c.used > COALESCE(g.points, 0)
    """,
)

CAMPAIGNS_SPEND_WHAT_THEY_GIVE = Invariant(
    "campaigns_spend_what_they_give",
    _("A campaign has spent what its rules have given."),
    """
    SELECT 'campaign' AS kind, c.code AS key,
           'spent ' || c.spent || ', given are ' || COALESCE(l.points, 0) AS detail
    FROM loyalty_campaign c
    LEFT JOIN (
        SELECT v.campaign_id, SUM(l.earned) AS points
        FROM loyalty_lot l JOIN loyalty_earningruleversion v ON v.id = l.rule_version_id
        WHERE l.parent_id IS NULL AND v.campaign_id IS NOT NULL GROUP BY v.campaign_id
    ) l ON l.campaign_id = c.id
    WHERE c.spent <> COALESCE(l.points, 0)
    """,
)

GIFTS_ARE_THEIR_LOTS = Invariant(
    "gifts_are_their_lots",
    _("A gift campaign has spent what its members were given, and each gift is its lot."),
    """
    SELECT 'gift campaign' AS kind, c.code AS key,
           'spent ' || c.spent || ', assigned are ' || COALESCE(a.points, 0) || ', lots ' || COALESCE(a.earned, 0)
           AS detail
    FROM loyalty_giftcampaign c
    LEFT JOIN (
        SELECT g.campaign_id, SUM(g.points) AS points, SUM(COALESCE(l.earned, 0)) AS earned
        FROM loyalty_giftassignment g LEFT JOIN loyalty_lot l ON l.id = g.lot_id GROUP BY g.campaign_id
    ) a ON a.campaign_id = c.id
    WHERE c.spent <> COALESCE(a.points, 0) OR c.spent <> COALESCE(a.earned, 0)
    """,
)
