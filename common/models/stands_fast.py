"""What was put in force never changes: the database holds it, whoever writes (a fixture, a shell, raw SQL)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# Without a per cent sign: the schema editor would take it for a parameter's place.
_ROW = """
CREATE OR REPLACE FUNCTION common_stands_fast() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    free text[] := COALESCE(TG_ARGV, '{}');
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - free = to_jsonb(OLD) - free THEN
        RETURN NEW;
    END IF;
    RAISE restrict_violation USING MESSAGE = TG_TABLE_NAME || ' ' || OLD.id || ' stands fast: it is or was in force';
END $$
"""
_PART = """
CREATE OR REPLACE FUNCTION common_part_stands_fast() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    settled boolean;
BEGIN
    EXECUTE 'SELECT EXISTS (SELECT FROM ' || quote_ident(TG_ARGV[0]) || ' WHERE id IN ($1, $2) AND status <> ''draft'')'
        INTO settled
        USING (to_jsonb(OLD) ->> TG_ARGV[1])::bigint, (to_jsonb(NEW) ->> TG_ARGV[1])::bigint;
    IF settled THEN
        RAISE restrict_violation USING MESSAGE = TG_TABLE_NAME || ' ' || OLD.id || ' stands fast: it is or was in force';
    END IF;
    RETURN COALESCE(NEW, OLD);
END $$
"""


class StandsFast(models.BaseConstraint):
    """A row that is no draft any more neither changes nor goes, but for the columns named in `but`.

    `state` is the column that says "draft". A row that belongs to such a one names the foreign key to it in `of`; it may
    still be inserted, or no backup that Django reads row by row could be restored. A trigger, so on PostgreSQL only: on
    SQLite the forms and services alone see to it.
    """

    def __init__(self, *, name: str, state: str = "status", but: Sequence[str] = (), of: str = ""):
        super().__init__(name=name)
        self.state, self.but, self.of = state, tuple(but), of

    def deconstruct(self):
        path, args, kwargs = super().deconstruct()
        said = {"state": (self.state, "status"), "but": (self.but, ()), "of": (self.of, "")}
        return path, args, kwargs | {name: value for name, (value, usual) in said.items() if value != usual}

    def __eq__(self, other):
        return self.deconstruct() == other.deconstruct() if isinstance(other, StandsFast) else NotImplemented

    __hash__ = models.BaseConstraint.__hash__

    def constraint_sql(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> None:
        """Nothing within CREATE TABLE: what it needs follows later."""
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.deferred_sql += [_PART if self.of else _ROW, self._trigger(model)]

    def create_sql(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> str | None:
        if schema_editor.connection.vendor != "postgresql":
            return None
        schema_editor.execute(_PART if self.of else _ROW, None)
        return self._trigger(model)

    def remove_sql(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor) -> str | None:
        if schema_editor.connection.vendor != "postgresql":
            return None
        return f'DROP TRIGGER "{self.name}" ON "{model._meta.db_table}"'

    def validate(self, model, instance, exclude=None, using=None):
        """Nothing that a form could say: a page of what is in force has no form."""

    def _trigger(self, model: type[models.Model]) -> str:
        meta: Any = model._meta
        if self.of:
            key = meta.get_field(self.of)
            when, verb, said = "", "part_stands_fast", [key.related_model._meta.db_table, key.column]
        else:
            when = f"""WHEN (OLD."{meta.get_field(self.state).column}" <> 'draft') """
            verb, said = "stands_fast", [meta.get_field(name).column for name in self.but]
        given = ", ".join(f"'{text}'" for text in said)
        return (
            f'CREATE TRIGGER "{self.name}" BEFORE UPDATE OR DELETE ON "{meta.db_table}" FOR EACH ROW {when}'
            f"EXECUTE FUNCTION common_{verb}({given})"
        )
