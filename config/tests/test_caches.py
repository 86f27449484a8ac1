"""The cache in Redis counts as Django's does, in one round trip."""

import pytest
from django.core.cache import caches

from config.caches import RedisCache

pytestmark = pytest.mark.postgres  # .ci/run has Redis where it has PostgreSQL
cache = caches["default"]


@pytest.fixture(autouse=True)
def emptied():
    assert isinstance(cache, RedisCache)
    cache.delete("calls")
    yield
    cache.delete("calls")


def test_it_counts_what_is_there():
    cache.set("calls", 1, timeout=60)
    assert [cache.incr("calls"), cache.incr("calls", 5)] == [2, 7]
    assert cache.get("calls") == 7


def test_what_is_not_there_is_not_made_by_counting():
    with pytest.raises(ValueError, match="not found"):
        cache.incr("calls")
    assert cache.get("calls") is None


def test_counting_does_not_make_a_key_live_longer():
    cache.set("calls", 1, timeout=60)
    cache.incr("calls")
    client = cache._cache.get_client()
    assert 0 < client.ttl(cache.make_key("calls")) <= 60


def test_one_client_serves_all_calls():
    assert cache._cache.get_client() is cache._cache.get_client()


def test_it_still_counts_when_redis_has_forgotten_the_script():
    cache.set("calls", 1, timeout=60)
    cache._cache.get_client().script_flush()
    assert cache.incr("calls") == 2
