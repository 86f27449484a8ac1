"""An error is kept in words, and the rows that PostgreSQL quotes in it are not."""

import datetime as dt

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from common.models import Fact, JobRun
from common.services import faults, jobs

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
NAME = "Alice of Hangzhou"
QUOTING = f"null value\nDETAIL:  Failing row contains ({NAME}).\n"


def test_a_plain_error_is_named_with_its_message():
    assert faults.words(ValueError("no such tier")) == "ValueError('no such tier')"


@pytest.mark.parametrize("row", ["(1, Alice)", "(1, Alice\nlives here)"])
def test_a_quoted_row_is_left_out_to_its_end(row):
    error = IntegrityError(f'null value in column "at"\nDETAIL:  Failing row contains {row}.\n')
    assert "null value in column" in faults.words(error)
    assert "Alice" not in faults.words(error)
    assert "lives here" not in faults.words(error)


def test_what_stands_after_a_quoted_row_stays():
    try:
        try:
            raise IntegrityError(QUOTING)
        except IntegrityError as cause:
            raise RuntimeError("the chunk failed") from cause
    except RuntimeError:
        kept = faults.trace()
    assert "the chunk failed" in kept
    assert "null value" in kept
    assert NAME not in kept


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_failed_job_keeps_no_row_of_a_member():
    def work(first, last):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO common_fact (topic, key) VALUES ('t', %s)", [NAME])
        return {}

    with pytest.raises(DatabaseError, match=NAME):
        jobs.run("broken", NOON, spans=lambda: [(1, 1)], work=work, at=NOON)
    kept = JobRun.objects.get().error
    assert "null value in column" in kept
    assert NAME not in kept
    assert not Fact.objects.exists()
