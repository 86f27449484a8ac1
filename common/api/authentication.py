"""Who calls: a shop's back end with an API key. `Authorization: Key <prefix>.<secret>`."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from common.models import ApiKey
from common.services import api_keys, audit


@dataclass(frozen=True)
class Server:
    """request.user of a call with an API key. `principal` names the caller to throttles and idempotency keys."""

    key: ApiKey
    is_authenticated = True

    @property
    def pk(self) -> str:
        return self.principal

    @property
    def principal(self) -> str:
        return f"key:{self.key.prefix}"

    @property
    def scopes(self) -> list[str]:
        return self.key.scopes

    @property
    def actor(self) -> audit.Actor:
        return audit.Actor(label=f"API key {self.key.name}")


class ApiKeyAuthentication(BaseAuthentication):
    """One query. A missing header is left to other authentications; a wrong key is 401."""

    keyword = "Key"

    def authenticate(self, request: Request) -> tuple[Server, ApiKey] | None:
        scheme, _space, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != self.keyword.lower():
            return None
        key = api_keys.find(text.strip(), timezone.now())
        if key is None:
            raise AuthenticationFailed(_("This key is unknown, expired or revoked."))
        return Server(key), key

    def authenticate_header(self, request: Request) -> str:
        return 'Key realm="api"'
