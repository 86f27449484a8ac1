"""Member prices are set by their merchant, one by one or as a list; earlier states are kept (MemberPrice.history)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from common.problems import Conflict, InvalidInput
from common.services import audit
from merchants.models import MemberPrice, Merchant

MOST_ROWS = 10_000
_ROWS_PER_STATEMENT = 500
# What tells one price from another; the rest of a row can be changed.
_KEY = ("store_id", "sku", "who", "tier_id", "plan_id", "club_id", "level", "starts_at")


# Objects were read by whoever made the row: looking each up again would be a query a row.
_NOT_ASKED = {"merchant", "store", "tier", "plan", "club", "created_at", "changed_at"}


class PriceConflict(Conflict):
    """Somebody has set the same prices just now."""

    code = "price_conflict"


def check(price: MemberPrice) -> None:
    """Raises InvalidInput, each error with its field, if the row cannot be a price of its merchant."""
    try:
        price.clean_fields(exclude=_NOT_ASKED)
        price.clean()
        if price.ends_at is not None and price.ends_at <= price.starts_at:
            raise ValidationError({"ends_at": _("The end lies after the start.")})
    except ValidationError as error:
        errors = [
            {"pointer": f"/{name}", "code": "invalid", "detail": " ".join(words)}
            for name, words in error.message_dict.items()
        ]
        raise InvalidInput(" ".join(one["detail"] for one in errors), errors=errors) from None


def put(merchant: Merchant, rows: Sequence[MemberPrice], actor: audit.Actor, at: dt.datetime) -> tuple[int, int]:
    """Set prices: a row that names what another one names (store, SKU, for whom, start) changes its price and end.

    All or nothing; returns how many are new and how many were changed. Raises InvalidInput, with a pointer to each bad
    row (twice the same, not the merchant's own, no price), and PriceConflict. A few statements a thousand rows.
    """
    _check_all(merchant, rows)
    try:
        with transaction.atomic():
            known = _known(merchant, rows)
            new, changed = [], []
            for row in rows:
                old = known.get(key(row))
                if old is None:
                    row.created_at = row.changed_at = at
                    new.append(row)
                elif (old.price, old.ends_at) != (row.price, row.ends_at):
                    old.price, old.ends_at, old.changed_at = row.price, row.ends_at, at
                    changed.append(old)
            how = {"batch_size": _ROWS_PER_STATEMENT, "default_user": actor.staff, "default_date": at}
            if new:
                bulk_create_with_history(new, MemberPrice, **how)
            if changed:
                bulk_update_with_history(changed, MemberPrice, ["price", "ends_at", "changed_at"], **how)
            summary = f"{len(new)} member prices added, {len(changed)} changed"
            audit.record(actor, "merchants.prices.put", merchant, summary, at)
    except IntegrityError:
        raise PriceConflict(retry_after=1) from None
    return len(new), len(changed)


def change(
    price: MemberPrice, *, amount: int, ends_at: dt.datetime | None, actor: audit.Actor, at: dt.datetime
) -> None:
    """Change what a price is and until when. Raises InvalidInput."""
    with transaction.atomic():
        row = MemberPrice.objects.select_for_update().get(pk=price.pk)
        row.price, row.ends_at, row.changed_at = amount, ends_at, at
        check(row)
        _sign(row, actor, at)
        row.save()
        audit.record(actor, "merchants.prices.change", row, f"Member price of {row} changed", at)


def remove(price: MemberPrice, actor: audit.Actor, at: dt.datetime) -> None:
    """Take a price away; its history stays."""
    with transaction.atomic():
        summary = f"Member price of {price} removed"
        audit.record(actor, "merchants.prices.remove", price, summary, at)
        _sign(price, actor, at)
        price.delete()


def _sign(price: Any, actor: audit.Actor, at: dt.datetime) -> None:
    """Who changes it and when, for the history; else that would be asked of the request."""
    price._history_user, price._history_date = actor.staff, at


def _check_all(merchant: Merchant, rows: Sequence[MemberPrice]) -> None:
    if len(rows) > MOST_ROWS:
        raise InvalidInput(_("At most %(most)d prices at once.") % {"most": MOST_ROWS})
    errors: list[dict] = []
    seen: set[tuple] = set()
    for number, row in enumerate(rows):
        row.merchant = merchant
        try:
            check(row)
        except InvalidInput as problem:
            errors += [{**one, "pointer": f"/{number}{one['pointer']}"} for one in problem.errors]
        if key(row) in seen:
            errors.append({"pointer": f"/{number}", "code": "twice", "detail": str(_("This price stands here twice."))})
        seen.add(key(row))
    if errors:
        raise InvalidInput(_("Some prices are not valid; nothing was changed."), errors=errors)


def _known(merchant: Merchant, rows: Sequence[MemberPrice]) -> dict[tuple, MemberPrice]:
    """The merchant's prices of these SKUs, locked."""
    skus = sorted({row.sku for row in rows})
    found = {}
    for start in range(0, len(skus), _ROWS_PER_STATEMENT):
        part = skus[start : start + _ROWS_PER_STATEMENT]
        for row in MemberPrice.objects.select_for_update().filter(merchant=merchant, sku__in=part).order_by("pk"):
            found[key(row)] = row
    return found


def key(row: MemberPrice) -> tuple:
    """What tells a price of a merchant from the others."""
    return tuple(getattr(row, name) for name in _KEY)
