"""Quotas of benefits and exposures against their entries and uses."""

from django.utils.translation import gettext_lazy as _

from loyalty.services.invariants import Invariant

QUOTAS_ARE_THEIR_ENTRIES = Invariant(
    "quotas_are_their_entries",
    _("What is left of a quota is the sum of its entries, gapless, and it was used as often as uses say."),
    """
    SELECT 'quota' AS kind, CAST(q.id AS text) AS key,
           q.used || ' of ' || q.granted || ' used, ' || q.version || ' entries; the entries leave '
           || COALESCE(e.remaining, 0) || ' in ' || COALESCE(e.entries, 0) || '; uses ' || COALESCE(u.uses, 0) AS detail
    FROM rewards_quota q
    LEFT JOIN (
        SELECT quota_id, SUM(delta) AS remaining, COUNT(*) AS entries, MAX(seq) AS last
        FROM rewards_quotaentry GROUP BY quota_id
    ) e ON e.quota_id = q.id
    LEFT JOIN (
        SELECT quota_id, COUNT(*) AS uses FROM rewards_benefituse
        WHERE given_back_at IS NULL AND quota_id IS NOT NULL GROUP BY quota_id
    ) u ON u.quota_id = q.id
    WHERE q.granted - q.used <> COALESCE(e.remaining, 0) OR q.version <> COALESCE(e.entries, 0)
       OR q.version <> COALESCE(e.last, 0) OR q.used <> COALESCE(u.uses, 0)
    """,
)

EXPOSURES_ARE_OPEN_REFUNDS = Invariant(
    "exposures_are_open_refunds",
    _("What is out at a member is what instant refunds are open, and the sum of its entries."),
    """
    SELECT 'exposure' AS kind, CAST(x.member_id AS text) AS key,
           x.open || ' out; open refunds ' || COALESCE(r.amount, 0) || ', entries ' || COALESCE(e.amount, 0) AS detail
    FROM rewards_exposure x
    LEFT JOIN (
        SELECT member_id, SUM(amount) AS amount FROM rewards_instantrefund WHERE status = 'open' GROUP BY member_id
    ) r ON r.member_id = x.member_id
    LEFT JOIN (
        SELECT exposure_id, SUM(delta) AS amount, COUNT(*) AS entries FROM rewards_exposureentry GROUP BY exposure_id
    ) e ON e.exposure_id = x.member_id
    WHERE x.open <> COALESCE(r.amount, 0) OR x.open <> COALESCE(e.amount, 0) OR x.version <> COALESCE(e.entries, 0)
    """,
)
