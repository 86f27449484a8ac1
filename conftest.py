"""What every test of the house shares: which tests can run where. A test that must run never just disappears."""

import fcntl
import os
import shutil

import hypothesis
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

# CI asks the same questions every time; on a developer's machine hypothesis looks for new ones.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("developer", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "developer")

REQUIRE_POSTGRES = os.environ.get("REQUIRE_POSTGRES") == "1"
RUN_BROWSER = os.environ.get("RUN_BROWSER") == "1"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """The roles of config/roles.py are there once for all, as after an installation."""
    with django_db_blocker.unblock():
        call_command("sync_roles", verbosity=0)


@pytest.fixture(scope="session", autouse=True)
def emptying_is_cheap():
    """Tests that commit leave empty tables behind: rows are deleted, past triggers and keys, and no table is truncated.

    Truncating makes a new file of each of two hundred tables, which takes seconds after each such test.
    """
    if connection.vendor == "postgresql":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(connection.ops), "sql_flush", _deletions)
            yield
    else:
        yield


def _deletions(self, style, tables, **options) -> list[str]:
    return ["SET LOCAL session_replication_role = replica"] + [f"DELETE FROM {self.quote_name(t)}" for t in tables]


@pytest.fixture(autouse=True)
def no_risk_rules():
    """A test begins without risk rules; services that make some have them read."""
    from members.selectors import risk_rules

    risk_rules.keep(risk_rules.Book())


@pytest.fixture
def crowd(tmp_path_factory):
    """For tests with dozens of connections at once: they wait for each other, whichever process runs them.

    Two of them at the same time would meet the hundred that PostgreSQL takes.
    """
    with (tmp_path_factory.getbasetemp().parent / "crowd").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skips real-PostgreSQL tests on SQLite, and leaves browser tests out unless they are asked for."""
    on_postgres = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    if REQUIRE_POSTGRES and not on_postgres:
        raise pytest.UsageError("REQUIRE_POSTGRES=1, but DATABASE_URL names no PostgreSQL.")
    if RUN_BROWSER and not CHROMIUM:
        raise pytest.UsageError("RUN_BROWSER=1, but there is no Chromium (set CHROMIUM to its path).")
    if not on_postgres:
        skip = pytest.mark.skip(
            reason="needs PostgreSQL: races and locks do not happen on SQLite; .ci/run runs it there"
        )
        for item in items:
            if item.get_closest_marker("postgres"):
                item.add_marker(skip)
    if not RUN_BROWSER:
        left_out = [item for item in items if item.get_closest_marker("browser")]
        items[:] = [item for item in items if not item.get_closest_marker("browser")]
        config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """A test that CI requires fails if it skips itself."""
    report = yield
    required = (REQUIRE_POSTGRES and item.get_closest_marker("postgres")) or (
        RUN_BROWSER and item.get_closest_marker("browser")
    )
    if required and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, but CI requires it: {report.longrepr}"
    return report
