"""Queries that the ORM puts together once a process; every later call only binds values (docs/decisions/0035)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Expression, QuerySet
from django.db.models.query import ModelIterable, get_related_populators
from django.db.transaction import TransactionManagementError

R = TypeVar("R")

FEW = 8
"""From here on the values are so many that putting the query together is not what it costs."""

Value = str | int | dt.datetime | dt.date


class Prepared(Generic[R]):
    """A query of a hot path, asked with other values each time: `prepared(query)(*values)` is `list(query(*values))`.

    `query` makes a query set of models or tuples (values_list) from its values. It may pass them on to filters and do
    nothing else with them, as it is called once for every number of values, with places instead of values. Relations are
    filtered by `…__pk__in`, prefetches are refused. A query that locks raises TransactionManagementError outside a
    transaction.
    """

    def __init__(self, query: Callable[..., QuerySet[Any, R]]):
        self._query = query
        self._statements: dict[int, _Statement] = {}

    def __call__(self, *values: Value) -> list[R]:
        if len(values) > FEW:
            return list(self._query(*values))
        try:
            return list(self._statement(len(values)).rows(values))
        except EmptyResultSet:  # what Django raises for rows that cannot exist
            return []

    def _statement(self, count: int) -> _Statement:
        if count not in self._statements:
            places = [_Place(number) for number in range(count)]
            self._statements[count] = _Statement(self._query(*places))
        return self._statements[count]


def prepared(query: Callable[..., QuerySet[Any, R]]) -> Prepared[R]:
    """Decorator of a function that makes a query set; see Prepared."""
    return Prepared(query)


class _Place(Expression):
    """Where a value will stand."""

    def __init__(self, number: int):
        super().__init__()
        self.number = number

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[_Place]]:
        return "%s", [self]


class _Statement:
    """What Django's compiler made of a query set: the text, and how its rows become objects."""

    def __init__(self, rows: QuerySet[Any, Any]):
        if rows._prefetch_related_lookups:  # type: ignore[attr-defined]
            raise TypeError("a prepared query prefetches nothing")
        self._alias = connection.alias
        compiler = rows.query.get_compiler(self._alias)
        self._text, self._params = compiler.as_sql()
        self._locks = rows.query.select_for_update
        converters = compiler.get_converters([column for column, _sql, _alias in compiler.select])
        self._converters = [(place, *converter) for place, converter in converters.items()]
        self._makes_models = issubclass(rows._iterable_class, ModelIterable)
        if self._makes_models:
            places = compiler.klass_info["select_fields"]
            self._kind = compiler.klass_info["model"]
            self._own = slice(places[0], places[-1] + 1)
            self._names = [column.target.attname for column, _sql, _alias in compiler.select[self._own]]
            self._extra = list((compiler.annotation_col_map or {}).items())
            self._related = get_related_populators(compiler.klass_info, compiler.select, self._alias)  # type: ignore[call-arg]

    def rows(self, values: Sequence[Value]) -> Iterator[Any]:
        if self._locks and connection.get_autocommit():
            raise TransactionManagementError("a query that locks needs a transaction")
        with connection.cursor() as cursor:
            cursor.execute(self._text, self._bind([_adapt(value) for value in values]))
            found = cursor.fetchall()
        found = map(self._converted, found) if self._converters else found
        return map(self._model, found) if self._makes_models else iter(found)

    def _bind(self, values: Sequence[Any]) -> list[Any]:
        return [values[param.number] if isinstance(param, _Place) else param for param in self._params]

    def _converted(self, row: Sequence[Any]) -> Sequence[Any]:
        values = list(row)
        for place, converters, column in self._converters:
            for convert in converters:
                values[place] = convert(values[place], column, connection)
        return tuple(values)

    def _model(self, row: Sequence[Any]) -> Any:
        found = self._kind.from_db(self._alias, self._names, row[self._own])
        for related in self._related:
            related.populate(row, found)
        for name, place in self._extra:
            setattr(found, name, row[place])
        return found


def _adapt(value: Value) -> Any:
    if isinstance(value, dt.datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return connection.ops.adapt_datefield_value(value) if isinstance(value, dt.date) else value
