"""Orders and refunds against the points they moved."""

from django.utils.translation import gettext_lazy as _

from .invariant import Invariant

ORDERS_EARN_WHAT_IS_DUE = Invariant(
    "orders_earn_what_is_due",
    _("An order's points granted are those due, clawed back and forgiven."),
    """
    SELECT 'order' AS kind, o.code AS key,
           COALESCE(l.earned, 0) || ' granted; due ' || o.points_due || ', clawed back ' || o.points_clawed
           || ', forgiven ' || o.points_forgiven AS detail
    FROM loyalty_order o
    LEFT JOIN (
        SELECT n.order_id, SUM(l.earned) AS earned
        FROM loyalty_lot l JOIN loyalty_orderline n ON n.id = l.order_line_id
        WHERE l.parent_id IS NULL GROUP BY n.order_id
    ) l ON l.order_id = o.id
    WHERE COALESCE(l.earned, 0) <> o.points_due + o.points_clawed + o.points_forgiven
    """,
)

ORDERS_ARE_THEIR_LINES = Invariant(
    "orders_are_their_lines",
    _("An order's cash and tendered points are those of its lines."),
    """
    SELECT 'order' AS kind, o.code AS key,
           'cash ' || o.cash || ', points ' || o.points || '; the lines have ' || COALESCE(n.cash, 0) || ', '
           || COALESCE(n.points, 0) AS detail
    FROM loyalty_order o
    LEFT JOIN (
        SELECT order_id, SUM(cash) AS cash, SUM(points) AS points FROM loyalty_orderline GROUP BY order_id
    ) n ON n.order_id = o.id
    WHERE o.cash <> COALESCE(n.cash, 0) OR o.points <> COALESCE(n.points, 0)
    """,
)

REFUNDS_ARE_THEIR_LINES = Invariant(
    "refunds_are_their_lines",
    _("What a line says was refunded is the sum of its refunds."),
    """
    SELECT 'order' AS kind, o.code AS key,
           'line ' || n.number || ': units, cash, points refunded ' || n.refunded_quantity || ', ' || n.refunded_cash
           || ', ' || n.refunded_points || '; the refunds say ' || COALESCE(r.quantity, 0) || ', '
           || COALESCE(r.cash, 0) || ', ' || COALESCE(r.points, 0) AS detail
    FROM loyalty_orderline n
    JOIN loyalty_order o ON o.id = n.order_id
    LEFT JOIN (
        SELECT line_id, SUM(quantity) AS quantity, SUM(cash) AS cash, SUM(points) AS points
        FROM loyalty_refundline GROUP BY line_id
    ) r ON r.line_id = n.id
    WHERE n.refunded_quantity <> COALESCE(r.quantity, 0) OR n.refunded_cash <> COALESCE(r.cash, 0)
       OR n.refunded_points <> COALESCE(r.points, 0)
    """,
)

RESTORED_WITHIN_TENDERED = Invariant(
    "restored_within_tendered",
    _("No more points come back for an order than it took."),
    """
    SELECT 'order' AS kind, o.code AS key,
           'took ' || o.points_taken || ', gave back or lost ' || r.points AS detail
    FROM loyalty_order o
    JOIN (
        SELECT order_id, SUM(restored + not_restored) AS points FROM loyalty_refund GROUP BY order_id
    ) r ON r.order_id = o.id
    WHERE r.points > o.points_taken
    """,
)

REFUNDS_MOVE_WHAT_THEY_SAY = Invariant(
    "refunds_move_what_they_say",
    _("A refund restored, clawed back and charged in the ledger what it says."),
    """
    SELECT 'order' AS kind, o.code AS key,
           'refund ' || r.code || ' says restored ' || r.restored || ', clawed back ' || r.clawed_back || ', debt '
           || r.debt || '; the ledger ' || COALESCE(e.restored, 0) || ', ' || COALESCE(e.clawed_back, 0) || ', '
           || COALESCE(e.debt, 0) AS detail
    FROM loyalty_refund r
    JOIN loyalty_order o ON o.id = r.order_id
    LEFT JOIN (
        SELECT reference, SUM(CASE WHEN kind = 'restore' THEN delta ELSE 0 END) AS restored,
               SUM(CASE WHEN kind = 'clawback' AND delta < 0 THEN -delta ELSE 0 END) AS clawed_back,
               SUM(CASE WHEN kind = 'owe' THEN delta ELSE 0 END) AS debt
        FROM loyalty_entry WHERE kind IN ('restore', 'clawback', 'owe') GROUP BY reference
    ) e ON e.reference = 'order:' || o.code || '/' || r.code
    WHERE r.restored <> COALESCE(e.restored, 0) OR r.clawed_back <> COALESCE(e.clawed_back, 0)
       OR r.debt <> COALESCE(e.debt, 0)
    """,
)
