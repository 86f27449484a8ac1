"""The ledger, to be looked at. No page here adds, changes or deletes anything, for anybody."""

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter

from common.admin import tags, words
from common.admin.base import ReadOnlyAdmin, ReadOnlyInline
from loyalty.admin import holders, quarantines
from loyalty.models import Account, Draw, Entry, Hold, HoldLine, Lot, Transfer

KIND_COLOURS = {
    "earn": tags.GOOD, "restore": tags.GOOD, "mature": tags.NEWS, "hold": tags.NEWS, "release": tags.NEWS, "redeem": tags.NEWS,
    "expire": tags.WAITING, "clawback": tags.BAD, "owe": tags.BAD, "repay": tags.NEWS, "adjust": tags.NEWS, "transfer": tags.NEWS,
}  # fmt: skip


class HolderMixin:
    """Rows that belong to an account: shown and searched by the holder."""

    list_select_related = holders.ACCOUNT
    search_fields = holders.SEARCH
    search_help_text = _("A member's external id.")

    @admin.display(description=_("holder"))
    def holder(self, row):
        return holders.link(row.account)

    @admin.display(description=_("because of"))
    def because(self, row):
        return holders.reference(row.reference)


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """Holders of points and their four balances."""

    empty = _("Nobody holds points yet.")
    list_display = ["holder", "kind", "available_points", "pending_points", "held_points", "debt_points", "version"]
    list_filter = ["kind"]
    list_select_related = ["wallet__member"]
    search_fields = ["=wallet__member__external_id"]
    search_help_text = _("A member's external id.")
    fields = [
        "holder_link",
        "kind",
        "available_points",
        "pending_points",
        "held_points",
        "debt_points",
        "version",
        "recent",
    ]
    readonly_fields = ["holder_link", "available_points", "pending_points", "held_points", "debt_points", "recent"]

    @admin.display(description=_("holder"))
    def holder(self, account):
        return holders.name(account)

    @admin.display(description=_("holder"))
    def holder_link(self, account):
        return holders.link(account)

    @admin.display(description=_("available"), ordering="available")
    def available_points(self, account):
        return words.number(account.available)

    @admin.display(description=_("pending"))
    def pending_points(self, account):
        return words.number(account.pending)

    @admin.display(description=_("held"))
    def held_points(self, account):
        return words.number(account.held)

    @admin.display(description=_("debt"))
    def debt_points(self, account):
        return words.number(account.owed)

    @admin.display(description=_("last entries"))
    def recent(self, account):
        rows = [
            (
                words.instant(e.at),
                e.get_kind_display(),
                words.signed(e.delta),
                e.get_unit_display(),
                words.number(e.balance_after),
                holders.reference(e.reference),
            )
            for e in account.entries.order_by("-seq")[:20]
        ]
        body = format_html_join(
            "",
            '<tr><td>{}</td><td>{}</td><td class="lp-num">{}</td><td>{}</td><td class="lp-num">{}</td><td>{}</td></tr>',
            rows,
        )
        return format_html('<table class="lp-table">{}</table>', body) if rows else gettext("none yet")


@admin.register(Entry)
class EntryAdmin(HolderMixin, ReadOnlyAdmin):
    """Every movement there ever was, the newest first. Entries are never changed; a repair is a further entry."""

    empty = _("No points have moved yet.")
    list_display = ["at", "holder", "kind_label", "change", "unit", "after", "other_side", "because", "seq"]
    list_filter = ["kind", "unit", ("posted_on", RangeDateFilter)]
    fields = [
        "holder",
        "seq",
        "kind_label",
        "change",
        "unit",
        "after",
        "other_side",
        "because",
        "posted_on",
        "at",
        "draws",
    ]
    readonly_fields = ["holder", "kind_label", "change", "after", "other_side", "because", "draws"]
    list_select_related = [*holders.ACCOUNT, "contra_account__wallet__member"]

    @tags.tagged(_("kind"), KIND_COLOURS)
    def kind_label(self, entry):
        return entry.kind, entry.get_kind_display()

    @admin.display(description=_("change"), ordering="delta")
    def change(self, entry):
        return format_html(
            '<span class="{}">{}</span>', "lp-plus" if entry.delta > 0 else "lp-minus", words.signed(entry.delta)
        )

    @admin.display(description=_("balance after"))
    def after(self, entry):
        return words.number(entry.balance_after)

    @admin.display(description=_("other side"))
    def other_side(self, entry):
        return holders.link(entry.contra_account) if entry.contra_account_id else entry.get_contra_display()

    @admin.display(description=_("lots it drew on"))
    def draws(self, entry):
        draws = Draw.objects.filter(account_id=entry.account_id, seq=entry.seq)
        lots = {
            lot.lot_seq: lot
            for lot in Lot.objects.filter(account_id=entry.account_id, lot_seq__in=[d.lot_seq for d in draws])
        }
        rows = [(words.link(lots.get(d.lot_seq), gettext("lot %d") % d.lot_seq), words.number(d.points)) for d in draws]
        body = format_html_join("", '<tr><td>{}</td><td class="lp-num">{}</td></tr>', rows)
        return format_html('<table class="lp-table">{}</table>', body) if rows else gettext("none")


class LotStateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [
            ("open", _("can be spent")),
            ("pending", _("pending")),
            ("due", _("expired, not yet posted")),
            ("closed", _("used up")),
        ]

    def queryset(self, request, queryset):
        now = timezone.now()
        return {
            "open": queryset.filter(is_open=True, is_pending=False, expires_at__gt=now),
            "pending": queryset.filter(is_open=True, is_pending=True),
            "due": queryset.filter(is_open=True, expires_at__lte=now),
            "closed": queryset.filter(is_open=False),
        }.get(self.value(), queryset)


@admin.register(Lot)
class LotAdmin(HolderMixin, ReadOnlyAdmin):
    """Every grant with its expiry, what is left of it, which rule made it and who pays for it."""

    empty = _("No points were granted yet.")
    actions = ["set_aside"]
    list_display = ["earned_at", "holder", "source", "left", "expires_on", "rule", "paid_by", "because"]
    list_filter = [LotStateFilter, "source", ("expires_at", RangeDateFilter)]
    list_select_related = [*holders.ACCOUNT, "rule_version__rule", "funder__wallet__member"]
    fields = [
        "holder", "lot_seq", "source", "because", "left", "earned_at", "available_at", "expires_on", "rule", "paid_by",
        "parent_link", "draws",
    ]  # fmt: skip
    readonly_fields = ["holder", "left", "expires_on", "rule", "paid_by", "because", "parent_link", "draws"]

    def has_quarantine_permission(self, request) -> bool:
        return request.user.has_perm("loyalty.open_quarantine")

    @admin.action(description=_("Set aside (quarantine)"), permissions=["quarantine"])
    def set_aside(self, request, queryset):
        """Ask for the case, then hold what is left of the chosen lots."""
        return quarantines.choose(request, queryset)

    @admin.display(description=_("left of it"))
    def left(self, lot):
        return format_html(
            '<div class="lp-bar"><i style="width:{}%"></i></div><small>{} / {}</small>',
            lot.remaining * 100 // lot.earned,
            words.number(lot.remaining),
            words.number(lot.earned),
        )

    @admin.display(description=_("good until the end of"), ordering="expires_at")
    def expires_on(self, lot):
        return words.day(words.last_day(lot.expires_at))

    @admin.display(description=_("rule"))
    def rule(self, lot):
        return words.link(lot.rule_version)

    @admin.display(description=_("paid by"))
    def paid_by(self, lot):
        return holders.link(lot.funder) if lot.funder_id else gettext("the platform")

    @admin.display(description=_("came from lot"))
    def parent_link(self, lot):
        return (
            words.link(
                lot.parent,
                gettext("lot %(number)s of %(holder)s")
                % {"number": lot.parent.lot_seq, "holder": holders.name(lot.parent.account)},
            )
            if lot.parent_id
            else "–"
        )

    @admin.display(description=_("taken by"))
    def draws(self, lot):
        entry = Entry.objects.filter(account_id=OuterRef("account_id"), seq=OuterRef("seq"))
        draws = (
            Draw.objects.filter(account_id=lot.account_id, lot_seq=lot.lot_seq)
            .order_by("seq")
            .annotate(
                at=Subquery(entry.values("at")[:1]),
                kind=Subquery(entry.values("kind")[:1]),
                ref=Subquery(entry.values("reference")[:1]),
            )[:200]
        )
        kinds = dict(Entry.Kind.choices)
        rows = [
            (words.instant(d.at), kinds.get(d.kind, d.kind), holders.reference(d.ref or ""), words.number(d.points))
            for d in draws
        ]
        body = format_html_join("", '<tr><td>{}</td><td>{}</td><td>{}</td><td class="lp-num">{}</td></tr>', rows)
        return format_html('<table class="lp-table">{}</table>', body) if rows else gettext("nothing yet")


class HoldLineInline(ReadOnlyInline):
    model = HoldLine
    fields = ["number", "points"]
    tab = False


@admin.register(Hold)
class HoldAdmin(HolderMixin, ReadOnlyAdmin):
    """Points set aside for checkouts. They let go by themselves."""

    empty = _("No checkout has set points aside yet.")
    list_display = ["created_at", "holder", "points", "status_label", "order_code", "expires_at", "closed_at"]
    list_filter = ["status"]
    search_fields = [*holders.SEARCH, "=order_code"]
    search_help_text = _("A member's external id or an order.")
    date_hierarchy = "created_at"
    fields = ["holder", "points", "status_label", "order_code", "created_at", "expires_at", "closed_at"]
    readonly_fields = ["holder", "status_label"]
    inlines = [HoldLineInline]

    @tags.tagged(
        _("status"), {"open": tags.NEWS, "captured": tags.GOOD, "released": tags.WAITING, "lapsed": tags.WAITING}
    )
    def status_label(self, hold):
        return hold.status, hold.get_status_display()


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    """Points that moved from one holder to another."""

    empty = _("No points were transferred or gifted. Both are off unless the programme's settings allow them.")
    list_display = ["at", "kind", "from_holder", "to_holder", "amount", "message"]
    list_filter = ["kind"]
    list_select_related = ["sender__wallet__member", "receiver__wallet__member"]
    search_fields = ["=sender__wallet__member__external_id", "=receiver__wallet__member__external_id", "=uuid"]
    search_help_text = _("A member's external id.")
    date_hierarchy = "at"
    fields = ["kind", "from_holder", "to_holder", "amount", "message", "at"]
    readonly_fields = ["from_holder", "to_holder", "amount"]

    @admin.display(description=_("from"))
    def from_holder(self, transfer):
        return holders.link(transfer.sender)

    @admin.display(description=_("to"))
    def to_holder(self, transfer):
        return holders.link(transfer.receiver)

    @admin.display(description=_("points"))
    def amount(self, transfer):
        return words.number(transfer.points)
