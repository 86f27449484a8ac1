"""The suite makes its tables straight from the models (--no-migrations, far faster); here is what that leaves out."""

import os
import subprocess
import sys
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command


@pytest.mark.django_db
def test_the_migrations_say_what_the_models_say():
    out = StringIO()
    call_command("makemigrations", check=True, dry_run=True, stdout=out)
    assert "No changes detected" in out.getvalue()


def test_a_new_database_can_be_migrated(tmp_path):
    """On SQLite; .ci/run does it on PostgreSQL."""
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite3",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True)
    again = [sys.executable, "manage.py", "migrate", "--check"]
    assert subprocess.run(again, cwd=settings.BASE_DIR, env=environment).returncode == 0
