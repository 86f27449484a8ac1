"""The cast: Alice owns what the tests are about, Bob helps, Charlie must not see it."""

import datetime as dt

import pytest

from members.models import Member

AT = dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)


@pytest.fixture
def at():
    return AT


@pytest.fixture
def alice(db):
    return Member.objects.create(external_id="alice", name="Alice", registered_at=AT - dt.timedelta(days=30))


@pytest.fixture
def bob(db):
    return Member.objects.create(external_id="bob", registered_at=AT - dt.timedelta(days=20))


@pytest.fixture
def charlie(db):
    return Member.objects.create(external_id="charlie", registered_at=AT - dt.timedelta(days=10))
