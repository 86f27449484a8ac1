"""PostgreSQL databases that live as long as one measurement: created, cloned and dropped here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

_LARGE = 100 * 2**20


def url(server: str, name: str) -> str:
    """The address of database `name` on `server` (an address of any database there)."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


@contextmanager
def temporary(server: str, name: str) -> Iterator[str]:
    """An empty database, dropped at the end; yields its address."""
    _replace(server, name, template="template0")
    try:
        yield url(server, name)
    finally:
        drop(server, name)


def _replace(server: str, name: str, template: str) -> None:
    drop(server, name)
    _execute(server, sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))


@contextmanager
def clone(server: str, name: str) -> Iterator[str]:
    """Point Django at a fresh copy of database `name`, so that every measurement starts from the same pages."""
    from django.db import connection  # Django is set up by then, not when this module is imported

    copy = f"{name}_{os.getpid()}"
    connection.close()
    _replace(server, copy, template=name)
    if _size(server, copy) > _LARGE:
        # The copy's pages reach the disk now and not in the middle of a measurement.
        _execute(server, sql.SQL("CHECKPOINT"))
    settings = connection.settings_dict
    settings["NAME"] = copy
    try:
        yield url(server, copy)
    finally:
        connection.close()
        settings["NAME"] = name
        drop(server, copy)


def drop(server: str, name: str) -> None:
    """Drop a database if it is there, whoever is still connected to it."""
    _execute(server, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _size(server: str, name: str) -> int:
    with psycopg.connect(server) as connection:
        return connection.execute("SELECT pg_database_size(%s)", [name]).fetchone()[0]


def _execute(server: str, statement: sql.SQL | sql.Composed) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)
