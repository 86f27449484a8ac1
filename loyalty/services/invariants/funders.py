"""Funders: what goes round in a merchant's name left that merchant's purse (ledger.md, invariant 7)."""

from django.utils.translation import gettext_lazy as _

from .invariant import Invariant

# A purse funds its own lots, also those that do not say so.
_FUNDER = "COALESCE(l.funder_id, CASE WHEN a.kind = 'purse' THEN a.id END)"

FUNDERS_PAY_WHAT_IS_ISSUED = Invariant(
    "funders_pay_what_is_issued",
    _("What is issued in a merchant's name left that merchant's purse."),
    f"""
    SELECT 'account' AS kind, CAST(funder AS text) AS key,
           'from account ' || sender || ' to ' || receiver || ': arrived ' || SUM(arrived) || ', left ' || SUM(gone)
           AS detail
    FROM (
        -- Bought by the purse itself, or given back to whom it had been taken from: these come from the programme.
        SELECT l.funder_id AS funder, COALESCE(e.contra_account_id, 0) AS sender, l.account_id AS receiver,
               l.earned AS arrived, 0 AS gone
        FROM loyalty_lot l
        JOIN loyalty_entry e ON e.account_id = l.account_id AND e.seq = l.lot_seq
        WHERE l.funder_id IS NOT NULL AND e.contra <> 'redeemed'
          AND NOT (l.account_id = l.funder_id AND e.contra IN ('issued', 'adjusted'))
        UNION ALL
        SELECT {_FUNDER}, e.account_id, e.contra_account_id, 0, d.points
        FROM loyalty_entry e
        JOIN loyalty_draw d ON d.account_id = e.account_id AND d.seq = e.seq
        JOIN loyalty_lot l ON l.account_id = d.account_id AND l.lot_seq = d.lot_seq
        JOIN loyalty_account a ON a.id = e.account_id
        WHERE e.contra = 'holder' AND e.delta < 0
        UNION ALL
        -- What a pocket gives back goes to the very lots it came from.
        SELECT {_FUNDER}, e.contra_account_id, e.account_id, -d.points, 0
        FROM loyalty_entry e
        JOIN loyalty_draw d ON d.account_id = e.account_id AND d.seq = e.seq AND d.points < 0
        JOIN loyalty_lot l ON l.account_id = d.account_id AND l.lot_seq = d.lot_seq
        JOIN loyalty_account a ON a.id = e.account_id
        WHERE e.contra = 'holder' AND e.delta > 0
    ) f
    WHERE funder IS NOT NULL
    GROUP BY funder, sender, receiver
    HAVING SUM(arrived) <> SUM(gone)
    """,
)

FUNDERS_KEEP_WHAT_THEY_BOUGHT = Invariant(
    "funders_keep_what_they_bought",
    _("What a merchant bought is in its purse, its pockets, with members, or was used: no point is lost or made."),
    f"""
    SELECT 'account' AS kind, CAST(funder AS text) AS key,
           'bought or given back ' || SUM(bought) || ', there are or were used ' || SUM(used) AS detail
    FROM (
        SELECT {_FUNDER} AS funder, 0 AS bought, l.remaining AS used
        FROM loyalty_lot l JOIN loyalty_account a ON a.id = l.account_id
        WHERE l.funder_id IS NOT NULL OR a.kind = 'purse'
        UNION ALL
        SELECT {_FUNDER}, 0, d.points
        FROM loyalty_lot l
        JOIN loyalty_account a ON a.id = l.account_id
        JOIN loyalty_draw d ON d.account_id = l.account_id AND d.lot_seq = l.lot_seq
        JOIN loyalty_entry e ON e.account_id = d.account_id AND e.seq = d.seq
        WHERE e.contra <> 'holder' AND (l.funder_id IS NOT NULL OR a.kind = 'purse')
        UNION ALL
        SELECT {_FUNDER}, l.earned, 0
        FROM loyalty_lot l
        JOIN loyalty_account a ON a.id = l.account_id
        JOIN loyalty_entry e ON e.account_id = l.account_id AND e.seq = l.lot_seq
        WHERE e.contra <> 'holder' AND (l.funder_id IS NOT NULL OR a.kind = 'purse')
    ) f
    WHERE funder IS NOT NULL
    GROUP BY funder
    HAVING SUM(bought) <> SUM(used)
    """,
)
