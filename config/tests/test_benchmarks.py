"""The benchmarks run: small, but whole, so that they are there when somebody needs them."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

from loyalty.services import invariants
from loyalty.tests.services.test_jobs_under_fire import database_url

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db,
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("crowd"),
]

SMALL = ["--members", "200", "--few", "60", "--lots", "5", "--operations", "20", "--batches", "1", "--repeats", "5"]


def test_a_small_run_measures_every_path_and_writes_the_page(tmp_path):
    page = tmp_path / "performance.md"
    command = [sys.executable, "-m", "benchmarks", "--server", database_url(), *SMALL]

    done = subprocess.run(
        [*command, "--write", page, "--date", "2026-03-01", "--machine", "a test"],
        cwd=settings.BASE_DIR,
        env=os.environ,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    text = page.read_text()
    assert "measured 2026-03-01 on a test" in text
    for path in ("single events", "batches of 1,000", "balance reads", "checkout holds", "expiry of due lots"):
        assert f"| {path}" in text
    for path in ("scores from nothing", "score settlement", "nightly scores"):
        assert f"| {path}" in text
    assert f"All {len(invariants.ALL)} invariants" in text
    for world in ("200 members", "60 members", "60 members with 5 lots each"):
        assert f" {world} |" in text


def test_without_postgresql_it_says_what_it_needs():
    command = [sys.executable, "-m", "benchmarks", "--server", "sqlite:///x"]

    done = subprocess.run(command, cwd=settings.BASE_DIR, env=os.environ, capture_output=True, text=True)

    assert done.returncode == 1
    assert "need PostgreSQL" in done.stderr
