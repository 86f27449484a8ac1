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


def note_unknown(heard: Iterable[tuple[Iterable[dict], dt.datetime]]) -> None:
    """Note the codes in lines of completed orders that no store bears; one statement, after one question. Twice is once."""
    seen: dict[str, tuple[dt.datetime, dt.datetime]] = {}
    for lines, at in heard:
        for code in {line["store"] for line in lines} - {""}:
            first, last = seen.get(code, (at, at))
            seen[code] = (min(first, at), max(last, at))
    if not seen:
        return
    stores = set(Store.objects.filter(code__in=seen).values_list("code", flat=True))
    rows = [(code, *seen[code]) for code in sorted(seen.keys() - stores)]
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


def _upsert(rows: list[tuple[str, dt.datetime, dt.datetime]]) -> None:
    """Rows in the order of their codes, so that two batches at once wait for each other and do not block."""
    table = connection.ops.quote_name(UnknownStore._meta.db_table)
    field = UnknownStore._meta.get_field("first_seen_at")
    params = [
        value
        for code, *times in rows
        for value in (code, *(field.get_db_prep_save(time, connection) for time in times))
    ]
    places = ", ".join(["(%s, %s, %s)"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {table} (code, first_seen_at, last_seen_at) VALUES {places}
            ON CONFLICT (code) DO UPDATE SET
                first_seen_at = CASE WHEN excluded.first_seen_at < {table}.first_seen_at
                                     THEN excluded.first_seen_at ELSE {table}.first_seen_at END,
                last_seen_at = CASE WHEN excluded.last_seen_at > {table}.last_seen_at
                                    THEN excluded.last_seen_at ELSE {table}.last_seen_at END
            """,
            params,
        )
