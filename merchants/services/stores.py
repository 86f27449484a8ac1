"""Stores, and the codes that orders name and no store bears: they wait for an operator, never lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.problems import InvalidInput, Problem
from common.services import audit
from merchants.models import Brand, Merchant, Store, UnknownStore


class StoreExists(Problem):
    code = "store_exists"
    status = 409
    title = _("There is a store with this code already.")


def note_unknown(lines: Iterable[dict], at: dt.datetime) -> None:
    """Count the lines of a completed order that name stores nobody has; one statement, after one question."""
    found: dict[str, list[int]] = {}
    for line in lines:
        if line["store"]:
            found.setdefault(line["store"], [0, 0])
            found[line["store"]][0] += 1
            found[line["store"]][1] += line["cash"]
    if not found:
        return
    known = set(Store.objects.filter(code__in=found).values_list("code", flat=True))
    rows = [(code, *found[code], at, at) for code in sorted(found.keys() - known)]
    if rows:
        _upsert(rows)


def adopt(
    code: str, merchant: Merchant, name: str, *, actor: audit.Actor, at: dt.datetime, brand: Brand | None = None
) -> Store:
    """Make an unknown code a store of the merchant: from now on its orders count. Earlier ones do not: no card of a
    membership of this store was open then (decision 0016). Raises StoreExists, InvalidInput.
    """
    if brand and brand.merchant_id != merchant.pk:
        raise InvalidInput(_("The brand is another merchant's."))
    with transaction.atomic():
        try:
            with transaction.atomic():
                store = Store.objects.create(code=code, merchant=merchant, brand=brand, name=name)
        except IntegrityError:
            raise StoreExists(store=code) from None
        UnknownStore.objects.filter(code=code).delete()
        summary = gettext("Adopted the store %(code)s for %(merchant)s") % {"code": code, "merchant": merchant}
        audit.record(actor, "merchants.stores.adopt", store, summary, at)
        return store


def _upsert(rows: list[tuple]) -> None:
    """Rows in the order of their codes, so that two orders at once wait for each other and do not block."""
    table = connection.ops.quote_name(UnknownStore._meta.db_table)
    field = UnknownStore._meta.get_field("first_seen_at")
    params = [
        value
        for code, lines, cash, first, last in rows
        for value in (
            code,
            lines,
            cash,
            field.get_db_prep_save(first, connection),
            field.get_db_prep_save(last, connection),
        )
    ]
    places = ", ".join(["(%s, %s, %s, %s, %s)"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {table} (code, lines, cash, first_seen_at, last_seen_at) VALUES {places}
            ON CONFLICT (code) DO UPDATE SET
                lines = {table}.lines + excluded.lines,
                cash = {table}.cash + excluded.cash,
                first_seen_at = CASE WHEN excluded.first_seen_at < {table}.first_seen_at
                                     THEN excluded.first_seen_at ELSE {table}.first_seen_at END,
                last_seen_at = CASE WHEN excluded.last_seen_at > {table}.last_seen_at
                                    THEN excluded.last_seen_at ELSE {table}.last_seen_at END
            """,
            params,
        )
