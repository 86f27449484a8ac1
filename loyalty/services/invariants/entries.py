"""The journal: no gap, a true running balance, and both sides of every movement."""

from django.utils.translation import gettext_lazy as _

from .invariant import Invariant

ENTRIES_ARE_GAPLESS = Invariant(
    "entries_are_gapless",
    _("Entries are numbered 1 … version without a gap."),
    """
    SELECT 'account' AS kind, CAST(a.id AS text) AS key,
           'version is ' || a.version || ', there are ' || COALESCE(e.entries, 0) || ' entries from '
           || COALESCE(e.first, 0) || ' to ' || COALESCE(e.last, 0) AS detail
    FROM loyalty_account a
    LEFT JOIN (
        SELECT account_id, COUNT(*) AS entries, MIN(seq) AS first, MAX(seq) AS last
        FROM loyalty_entry GROUP BY account_id
    ) e ON e.account_id = a.id
    WHERE a.version <> COALESCE(e.entries, 0) OR e.first <> 1 OR e.last <> a.version
    """,
)

RUNNING_BALANCES = Invariant(
    "running_balances",
    _("The balance after each entry is the running sum."),
    """
    SELECT 'entry' AS kind, account_id || '/' || seq AS key,
           unit || ' after it are ' || balance_after || ', the sum is ' || total AS detail
    FROM (
        SELECT account_id, seq, unit, balance_after,
               SUM(delta) OVER (PARTITION BY account_id, unit ORDER BY seq) AS total
        FROM loyalty_entry
    ) e
    WHERE balance_after <> total
    """,
)

OWN_MOVEMENTS_HAVE_TWINS = Invariant(
    "own_movements_have_twins",
    _("What leaves one balance of an account arrives in another."),
    """
    SELECT 'account' AS kind, CAST(account_id AS text) AS key,
           'movements between ' || pair || ' are out by ' || total AS detail
    FROM (
        SELECT account_id,
               CASE WHEN unit < contra THEN unit || ' and ' || contra ELSE contra || ' and ' || unit END AS pair,
               -- A debt falls when points are given for it: its sign is the other one.
               SUM(CASE WHEN contra = 'debt' THEN -delta ELSE delta END) AS total
        FROM loyalty_entry WHERE contra IN ('points', 'pending', 'held', 'debt')
        GROUP BY 1, 2
    ) t
    WHERE total <> 0
    """,
)

TRANSFERS_HAVE_BOTH_ENTRIES = Invariant(
    "transfers_have_both_entries",
    _("What leaves one holder arrives at the other."),
    """
    SELECT 'account' AS kind, CAST(one AS text) AS key,
           reference || ' with account ' || other || ' is out by ' || total AS detail
    FROM (
        SELECT CASE WHEN account_id < contra_account_id THEN account_id ELSE contra_account_id END AS one,
               CASE WHEN account_id < contra_account_id THEN contra_account_id ELSE account_id END AS other,
               reference, SUM(CASE WHEN unit = 'debt' THEN -delta ELSE delta END) AS total
        FROM loyalty_entry WHERE contra = 'holder'
        GROUP BY 1, 2, 3
    ) t
    WHERE total <> 0
    """,
)
