"""The cache in Redis. Every request of a caller is counted in it, so a count costs one round trip and no new client."""

from __future__ import annotations

import functools
from typing import Any

from django.core.cache.backends.redis import RedisCache as DjangosCache
from django.core.cache.backends.redis import RedisCacheClient

_INCREASE = "if redis.call('EXISTS', KEYS[1]) == 1 then return redis.call('INCRBY', KEYS[1], ARGV[1]) end"


class Client(RedisCacheClient):
    """Django makes a client, with the table of all of Redis' answers, at every call; they may be shared by threads."""

    def get_client(self, key: str | None = None, *, write: bool = False) -> Any:
        return self._of_pool(self._get_connection_pool(write))  # type: ignore[attr-defined]

    @functools.cache  # noqa: B019 - one client object lives as long as the process
    def _of_pool(self, pool: Any) -> Any:
        return self._client(connection_pool=pool)  # type: ignore[attr-defined]

    def incr(self, key: str, delta: int) -> int:
        """Raises ValueError if there is no such key. Django asks for the key first and then counts."""
        count = self._increase(self.get_client(key, write=True))(keys=[key], args=[delta])
        if count is None:
            raise ValueError(f"Key '{key}' not found.")
        return count

    @functools.cache  # noqa: B019
    def _increase(self, client: Any) -> Any:
        return client.register_script(_INCREASE)


class RedisCache(DjangosCache):
    """Django's cache with this client."""

    def __init__(self, server: str, params: dict[str, Any]):
        super().__init__(server, params)
        self._class = Client
