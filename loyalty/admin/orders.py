from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin import tags, words
from common.admin.base import ReadOnlyAdmin, ReadOnlyInline
from common.admin.filters import whether
from loyalty.models import Order, OrderLine, ParkedEvent, Refund, RefundLine

COLOURS = {"awaited": tags.WAITING, "paid": tags.NEWS, "completed": tags.GOOD, "cancelled": tags.BAD}


class LineInline(ReadOnlyInline):
    model = OrderLine
    fields = [
        "number",
        "sku",
        "category",
        "store_code",
        "quantity",
        "cash_money",
        "points",
        "is_virtual",
        "given_back",
        "earned",
    ]
    readonly_fields = ["cash_money", "given_back", "earned"]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("lots__rule_version__rule")

    @admin.display(description=_("cash"))
    def cash_money(self, line):
        return words.money(line.cash)

    @admin.display(description=_("refunded"))
    def given_back(self, line):
        if not (line.refunded_cash or line.refunded_quantity or line.refunded_points):
            return "–"
        given = {
            "quantity": line.refunded_quantity,
            "cash": words.money(line.refunded_cash),
            "points": line.refunded_points,
        }
        return gettext("%(quantity)d units, %(cash)s, %(points)d points") % given

    @admin.display(description=_("earned by rule"))
    def earned(self, line):
        lots = [(lot.rule_version or gettext("no rule"), words.number(lot.earned)) for lot in line.lots.all()]
        return format_html_join("", "<div>{}: {}</div>", lots) or "–"


class RefundInline(ReadOnlyInline):
    model = Refund
    fields = [
        "code",
        "reason",
        "at",
        "cash_money",
        "clawed_back",
        "deduction",
        "debt",
        "restored",
        "not_restored",
        "forgiven",
    ]
    readonly_fields = ["cash_money", "deduction"]
    show_change_link = True

    @admin.display(description=_("cash"))
    def cash_money(self, refund):
        return words.money(refund.cash)

    @admin.display(description=_("deducted from the cash"))
    def deduction(self, refund):
        return words.number(refund.cash_deduction)


class ParkedInline(ReadOnlyInline):
    model = ParkedEvent
    fields = ["type", "time", "applied_at", "refusal"]


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders as the shop told them, with what they earned, paid in points, and what refunds did."""

    empty = _("No order yet. The shop sends order.paid and order.completed events.")
    list_display = ["code", "member_link", "status_label", "cash_money", "tendered", "earned", "clawed", "completed_at"]
    list_filter = ["status", "channel"]
    list_select_related = ["member"]
    search_fields = ["=code", "=member__external_id"]
    search_help_text = _("An order's code or a member's external id.")
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("code", "member_link"),
                    ("status_label", "channel"),
                    ("paid_at", "completed_at", "cancelled_at"),
                ]
            },
        ),
        (
            _("Money and points"),
            {
                "fields": [
                    ("cash_money", "freight_money"),
                    ("tendered", "points_taken"),
                    ("earned", "clawed", "points_forgiven"),
                ]
            },
        ),
        (_("What the rules were told"), {"fields": ["told", "attributes_table"]}),
    ]
    readonly_fields = [
        "member_link",
        "status_label",
        "cash_money",
        "freight_money",
        "tendered",
        "earned",
        "clawed",
        "told",
        "attributes_table",
    ]
    inlines = [LineInline, RefundInline, ParkedInline]

    @admin.display(description=_("member"))
    def member_link(self, order):
        return words.link(order.member)

    @tags.tagged(_("status"), COLOURS)
    def status_label(self, order):
        return order.status, order.get_status_display()

    @admin.display(description=_("cash"), ordering="cash")
    def cash_money(self, order):
        return words.money(order.cash)

    @admin.display(description=_("freight"))
    def freight_money(self, order):
        if not order.freight_waived:
            return words.money(order.freight)
        text = gettext("%(paid)s; %(waived)s waived from %(least)s of goods, of it %(charged)s charged after all")
        return text % {
            "paid": words.money(order.freight),
            "waived": words.money(order.freight_waived),
            "least": words.money(order.free_from),
            "charged": words.money(order.freight_charged),
        }

    @admin.display(description=_("paid in points"), ordering="points")
    def tendered(self, order):
        return words.number(order.points)

    @admin.display(description=_("points due"), ordering="points_due")
    def earned(self, order):
        return words.number(order.points_due)

    @admin.display(description=_("clawed back"), ordering="points_clawed")
    def clawed(self, order):
        return words.number(order.points_clawed)

    @admin.display(description=_("member's standing then"))
    def told(self, order):
        return words.pairs(order.context)

    @admin.display(description=_("custom attributes"))
    def attributes_table(self, order):
        return words.pairs(order.attributes)


class RefundLineInline(ReadOnlyInline):
    model = RefundLine
    fields = ["line_words", "quantity", "cash_money", "points"]
    readonly_fields = ["line_words", "cash_money"]
    tab = False

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("line")

    @admin.display(description=_("line"))
    def line_words(self, refund_line):
        return f"{refund_line.line.number} {refund_line.line.sku}"

    @admin.display(description=_("cash"))
    def cash_money(self, refund_line):
        return words.money(refund_line.cash)


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    """What every refund did to points."""

    empty = _("No refund yet.")
    list_display = [
        "at",
        "order_link",
        "code",
        "reason",
        "cash_money",
        "clawed_back",
        "cash_deduction",
        "debt",
        "freight_label",
        "restored",
        "not_restored",
    ]
    list_filter = ["reason"]
    list_select_related = ["order"]
    search_fields = ["=code", "=order__code", "=order__member__external_id"]
    search_help_text = _("A refund, an order or a member's external id.")
    date_hierarchy = "at"
    fields = [
        "order_link", "code", "reason", "at", "cash_money", "clawed_back", "forgiven", "cash_deduction", "debt",
        "freight_label", "restored", "not_restored",
    ]  # fmt: skip
    readonly_fields = ["order_link", "cash_money", "freight_label"]
    inlines = [RefundLineInline]

    @admin.display(description=_("order"))
    def order_link(self, refund):
        return words.link(refund.order)

    @admin.display(description=_("cash"), ordering="cash")
    def cash_money(self, refund):
        return words.money(refund.cash)

    @admin.display(description=_("freight charged"), ordering="freight_charge")
    def freight_label(self, refund):
        return words.money(refund.freight_charge) if refund.freight_charge else "–"


@admin.register(ParkedEvent)
class ParkedEventAdmin(ReadOnlyAdmin):
    """Refunds and cancellations that came before their order. They are applied when it arrives."""

    empty = _("Nothing waits for its order.")
    list_display = ["time", "type", "order_link", "member_link", "applied_at", "refusal"]
    list_filter = ["type", whether("applied_at", _("Worked off"), _("Still waiting"))]
    list_select_related = ["order", "member"]
    search_fields = ["=order__code", "=member__external_id"]
    search_help_text = _("An order's code or a member's external id.")
    fields = ["type", "time", "order_link", "member_link", "applied_at", "refusal", "data_table"]
    readonly_fields = ["order_link", "member_link", "data_table"]

    @admin.display(description=_("order"))
    def order_link(self, event):
        return words.link(event.order)

    @admin.display(description=_("member"))
    def member_link(self, event):
        return words.link(event.member)

    @admin.display(description=_("what it said"))
    def data_table(self, event):
        return words.pairs(event.data)
