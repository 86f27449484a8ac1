"""The suite makes its tables straight from the models (--no-migrations, far faster); here is what that leaves out."""

import os
import subprocess
import sys
from io import StringIO

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from loyalty.tests.services.test_jobs_under_fire import database_url


@pytest.mark.django_db
def test_the_migrations_say_what_the_models_say():
    out = StringIO()
    call_command("makemigrations", check=True, dry_run=True, stdout=out)
    assert "No changes detected" in out.getvalue()


@pytest.fixture
def empty(tmp_path, db):
    """The address of an empty database where the suite's own is: a file, or one more on the same server."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path}/new.sqlite3"
        return
    suite = database_url()
    name = suite.rpartition("/")[2] + "_migrated"
    with psycopg.connect(suite, autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name}")
        server.execute(f"CREATE DATABASE {name}")
        yield f"{suite}_migrated"
        server.execute(f"DROP DATABASE {name}")


@pytest.mark.timeout(900)
def test_an_empty_database_can_be_migrated(empty):
    environment = os.environ | {"DATABASE_URL": empty, "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True)
    again = [sys.executable, "manage.py", "migrate", "--check"]
    assert subprocess.run(again, cwd=settings.BASE_DIR, env=environment).returncode == 0
