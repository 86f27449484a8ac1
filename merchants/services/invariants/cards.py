"""Cards against their entries and their orders."""

from django.utils.translation import gettext_lazy as _

from loyalty.services.invariants import Invariant

CARDS_ARE_THEIR_ENTRIES = Invariant(
    "cards_are_their_entries",
    _("What a card shows is what its entries sum up to."),
    """
    SELECT 'card' AS kind, CAST(c.id AS text) AS key,
           'has ' || c.spent || '/' || c.orders || '/' || c.points || ', its entries ' || COALESCE(e.spent, 0) || '/'
           || COALESCE(e.orders, 0) || '/' || COALESCE(e.points, 0) AS detail
    FROM merchants_card c
    LEFT JOIN (
        SELECT card_id, SUM(CASE WHEN unit = 'spent' THEN delta ELSE 0 END) AS spent,
               SUM(CASE WHEN unit = 'orders' THEN delta ELSE 0 END) AS orders,
               SUM(CASE WHEN unit = 'points' THEN delta ELSE 0 END) AS points
        FROM merchants_cardentry GROUP BY card_id
    ) e ON e.card_id = c.id
    WHERE c.spent <> COALESCE(e.spent, 0) OR c.orders <> COALESCE(e.orders, 0) OR c.points <> COALESCE(e.points, 0)
    """,
)

CARD_ENTRIES_ARE_GAPLESS = Invariant(
    "card_entries_are_gapless",
    _("A card's entries are numbered without a gap, and each says the balance after it."),
    """
    SELECT 'card' AS kind, card_id || '/' || seq AS key,
           'is number ' || place || ' of ' || version || ', says ' || balance_after || ', the entries ' || running AS detail
    FROM (
        SELECT e.card_id, e.seq, e.balance_after, c.version,
               row_number() OVER (PARTITION BY e.card_id ORDER BY e.seq) AS place,
               count(*) OVER (PARTITION BY e.card_id) AS number,
               SUM(e.delta) OVER (PARTITION BY e.card_id, e.unit ORDER BY e.seq) AS running
        FROM merchants_cardentry e JOIN merchants_card c ON c.id = e.card_id
    ) x
    WHERE seq <> place OR number <> version OR balance_after <> running
    """,
)

CARDS_HAVE_ONE_GIFT = Invariant(
    "cards_have_one_gift",
    _("A card has its opening gift once."),
    """
    SELECT 'card' AS kind, CAST(card_id AS text) AS key, COUNT(*) || ' opening gifts' AS detail
    FROM merchants_cardentry WHERE kind = 'welcome' GROUP BY card_id HAVING COUNT(*) > 1
    """,
)

CARDS_ARE_THEIR_ORDERS = Invariant(
    "cards_are_their_orders",
    _("What a card counts as spent and ordered is what was kept of its orders."),
    """
    SELECT 'card' AS kind, CAST(c.id AS text) AS key,
           'has ' || c.spent || ' in ' || c.orders || ' orders, they say ' || COALESCE(o.kept, 0) || ' in '
           || COALESCE(o.orders, 0) AS detail
    FROM merchants_card c
    LEFT JOIN (
        SELECT card_id, SUM(kept) AS kept, SUM(CASE WHEN is_counted THEN 1 ELSE 0 END) AS orders
        FROM merchants_cardorder GROUP BY card_id
    ) o ON o.card_id = c.id
    WHERE c.spent <> COALESCE(o.kept, 0) OR c.orders <> COALESCE(o.orders, 0)
    """,
)

ALL = (CARDS_ARE_THEIR_ENTRIES, CARD_ENTRIES_ARE_GAPLESS, CARDS_HAVE_ONE_GIFT, CARDS_ARE_THEIR_ORDERS)
