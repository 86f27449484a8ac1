"""Set-based statements that Django's ORM does not have, or has only slowly; the same text on PostgreSQL and SQLite."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar, cast

import msgspec
from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models.base import ModelState

M = TypeVar("M", bound=models.Model)

_ROWS_PER_STATEMENT = 1000
_MANY = 20


def spans(rows: models.QuerySet, size: int, *, by: str = "id") -> list[tuple[int, int]]:
    """Ranges (first, last) of the ids (`by`) that `rows` have, `size` of them a range: how jobs are cut. One statement."""
    try:
        owners, params = rows.order_by().values(by).distinct().query.sql_with_params()
    except EmptyResultSet:  # what Django raises for rows that cannot exist
        return []
    statement = f"""
        WITH owner (id) AS ({owners}),
        numbered AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM owner)
        SELECT min(id), max(id) FROM numbered GROUP BY place / {size:d} ORDER BY 1
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()


def update_rows(
    rows: Sequence[models.Model], fields: Sequence[str], *, guard: dict[str, Sequence] | None = None
) -> int:
    """Write `fields` of saved rows of one model back, one row by itself or a thousand a statement; return how many it met.

    `guard` names columns and, per row, the value they must still have (a conditional update): a row that changed
    meanwhile is not written and not counted.
    """
    return sum(
        _update(
            rows[i : i + _ROWS_PER_STATEMENT],
            fields,
            {k: v[i : i + _ROWS_PER_STATEMENT] for k, v in (guard or {}).items()},
        )
        for i in range(0, len(rows), _ROWS_PER_STATEMENT)
    )


def _update(rows: Sequence[models.Model], fields: Sequence[str], guard: dict[str, Sequence]) -> int:
    model = type(rows[0])
    key = _by_name(model)[model._meta.pk.name]
    columns = [_by_name(model)[name] for name in fields]
    if len(rows) == 1:
        return _update_one(rows[0], columns, {key: rows[0].pk} | {_by_name(model)[k]: v[0] for k, v in guard.items()})
    names = ["id", *[field.column for field in columns], *[f"was_{name}" for name in guard]]
    kinds = [key, *columns, *[_by_name(model)[name] for name in guard]]
    values = [
        [row.pk for row in rows],
        *[[getattr(row, field.attname) for row in rows] for field in columns],
        *guard.values(),
    ]
    source, params = (_recordset if connection.vendor == "postgresql" else _values)(names, kinds, values)
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    conditions = [
        f"{table}.{quote(key.column)} = v.id",
        *[f"{table}.{quote(name)} = v.was_{name}" for name in guard],
    ]
    assignments = ", ".join(f"{quote(field.column)} = v.{field.column}" for field in columns)
    statement = f"UPDATE {table} SET {assignments} FROM {source} WHERE {' AND '.join(conditions)}"
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.rowcount


def _update_one(row: models.Model, columns: Sequence[_Column], where: dict[_Column, Any]) -> int:
    """The plainest statement there is: nothing to parse or to join, so that a single order or redemption is quick."""
    quote = connection.ops.quote_name
    assignments = ", ".join(f"{quote(column.column)} = %s" for column in columns)
    conditions = " AND ".join(f"{quote(column.column)} = %s" for column in where)
    values = {column: getattr(row, column.attname) for column in columns}
    params = [column.get_db_prep_save(value, connection) for column, value in [*values.items(), *where.items()]]
    with connection.cursor() as cursor:
        table = quote(row._meta.db_table)
        cursor.execute(f"UPDATE {table} SET {assignments} WHERE {conditions}", params)
        return cursor.rowcount


def _recordset(names: Sequence[str], kinds: Sequence[_Column], values: Sequence[Sequence]) -> tuple[str, list]:
    """The rows as one JSON parameter: a statement of constant length, and every column with its type."""
    types = [
        kind.rel_db_type(connection) if kind.is_relation or kind.primary_key else kind.db_type(connection)
        for kind in kinds
    ]
    columns = ", ".join(f"{name} {type_}" for name, type_ in zip(names, types, strict=True))
    rows = [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]
    return f"jsonb_to_recordset(%s::jsonb) AS v({columns})", [_json(rows)]


def _values(names: Sequence[str], kinds: Sequence[_Column], values: Sequence[Sequence]) -> tuple[str, list]:
    """It must not begin with WITH: Python's sqlite3 counts no rows of a statement that does."""
    row = f"({', '.join(['%s'] * len(names))})"
    adapted = [
        [kind.get_db_prep_save(value, connection) for value in column]
        for kind, column in zip(kinds, values, strict=True)
    ]
    params = [value for line in zip(*adapted, strict=True) for value in line]
    places = ", ".join([row] * len(values[0]))
    return f"(WITH v ({', '.join(names)}) AS (VALUES {places}) SELECT * FROM v) v", params


def build(model: type[M], **values: Any) -> M:
    """A new row, as the model's constructor makes it but at a fraction of the cost, which a batch pays for every row.

    Values go by field name (related objects) or attname (ids); nothing is converted or checked, and defaults that are
    functions are called.
    """
    row = model.__new__(model)
    row._state = ModelState()
    own = row.__dict__
    for attname, default in _defaults(model):
        own[attname] = default() if callable(default) else default
    related = _related(model)
    for name, value in values.items():
        if name in related:
            row._state.fields_cache[name] = value
            own[related[name]] = None if value is None else value.pk
        else:
            own[name] = value
    return row


@functools.cache
def _defaults(model: type[models.Model]) -> list[tuple[str, Any]]:
    """A function for what must be made anew for each row, a value for the rest."""
    fields = model._meta.concrete_fields
    return [(field.attname, field.get_default if callable(field.default) else field.get_default()) for field in fields]


@functools.cache
def _related(model: type[models.Model]) -> dict[str, str]:
    return {field.name: field.attname for field in model._meta.concrete_fields if field.is_relation}


def insert(rows: Sequence[models.Model]) -> None:
    """Insert new rows of one model and give them their ids; what they refer to must be saved by now.

    On PostgreSQL a few rows are one plain statement that returns their ids; many take them from the sequence first and
    then travel by COPY. On SQLite they go by bulk_create.
    """
    if not rows:
        return
    model = type(rows[0])
    if connection.vendor != "postgresql":
        model._base_manager.bulk_create(rows)
        return
    for field in _by_name(model).values():
        if field.is_relation:
            _refer(field, rows)
    if rows[0].pk is None and len(rows) >= _MANY:
        _set_keys(rows, _next_keys(model, len(rows)))
    key = model._meta.pk.attname if rows[0].pk is None else ""
    names = [name for name in _by_attname(model) if name != key]
    read = operator.attrgetter(*names)
    values = [read(row) for row in rows]
    if key:
        _set_keys(rows, _insert_few(model, names, values, returning=key))
    else:
        insert_rows(model, names, values)
    for row in rows:
        row._state.adding = False
        row._state.db = connection.alias


def _next_keys(model: type[models.Model], count: int) -> list[tuple]:
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(model._meta.db_table)
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count])
        return cursor.fetchall()


def _set_keys(rows: Sequence[models.Model], keys: Sequence[tuple]) -> None:
    for row, (key,) in zip(rows, keys, strict=True):
        row.pk = key


def _refer(field: _Column, rows: Sequence[models.Model]) -> None:
    """What was given as an object before it had an id has one now."""
    name = field.name
    for row in rows:
        related = row._state.fields_cache.get(name)
        if related is not None:
            row.__dict__[field.attname] = related.pk


def insert_rows(model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows of plain values (JSON as Python objects), given in the order of the fields `names`.

    Several times cheaper than bulk_create, which builds models and, on PostgreSQL, quotes JSON within arrays: here a few
    rows are one statement, and many travel by COPY. No ids come back; Python-side defaults are the caller's; foreign keys
    are named like order_id.
    """
    if not rows:
        return
    if len(rows) < _MANY:
        _insert_few(model, names, rows)
        return
    target, adapted = _target(model, tuple(names)), _adapted(model, names, rows)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {target} FROM STDIN") as copy:
                for row in adapted:
                    copy.write_row(row)
        else:
            cursor.executemany(f"INSERT INTO {target} VALUES {_places(len(names))}", adapted)


def _insert_few(
    model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]], *, returning: str = ""
) -> list[tuple]:
    values = [value for row in _adapted(model, names, rows) for value in row]
    places = ", ".join([_places(len(names))] * len(rows))
    wanted = f" RETURNING {connection.ops.quote_name(returning)}" if returning else ""
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {_target(model, tuple(names))} VALUES {places}{wanted}", values)
        return cursor.fetchall() if returning else []


@functools.cache
def _target(model: type[models.Model], names: tuple[str, ...]) -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(_by_attname(model)[name].column) for name in names)
    return f"{quote(model._meta.db_table)} ({columns})"


@functools.cache
def _places(count: int) -> str:
    return f"({', '.join(['%s'] * count)})"


def _adapted(model: type[models.Model], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """The rows as the driver takes them: only the columns that it does not take as they are are touched."""
    adapters = _adapters(model, tuple(names))
    if not any(adapters):
        return rows
    columns = zip(*rows, strict=True)
    return list(zip(*(map(adapt, c) if adapt else c for adapt, c in zip(adapters, columns, strict=True)), strict=True))


class _Column(Protocol):
    """A field that has a column: all that these statements need to know of it."""

    name: str
    attname: str
    column: str
    is_relation: bool
    primary_key: bool

    def db_type(self, connection: Any) -> str: ...
    def rel_db_type(self, connection: Any) -> str: ...
    def get_db_prep_save(self, value: Any, connection: Any) -> Any: ...
    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any: ...


@functools.cache
def _by_attname(model: type[models.Model]) -> dict[str, _Column]:
    return {column.attname: column for column in _by_name(model).values()}


@functools.cache
def _by_name(model: type[models.Model]) -> dict[str, _Column]:
    return {field.name: cast(_Column, field) for field in model._meta.concrete_fields}


@functools.cache
def _adapters(model: type[models.Model], names: tuple[str, ...]) -> list[Callable[[Any], Any] | None]:
    return [_adapter(_by_attname(model)[name]) for name in names]


def _adapter(field: _Column) -> Callable[[Any], Any] | None:
    """How a column's values are handed to the driver; None if as they are."""
    if isinstance(field, models.JSONField):
        return _json
    if connection.vendor == "sqlite" and isinstance(field, models.DateTimeField | models.DateField | models.UUIDField):
        return lambda value: field.get_db_prep_value(value, connection, prepared=True)
    return None


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
