"""Members sign in with a JWT of the shop's identity provider: `sub` is the member's external id."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed

from common.problems import Problem
from common.services import audit
from members.models import Member
from members.services import profiles

LEEWAY = dt.timedelta(seconds=30)
MAX_LIFETIME = dt.timedelta(hours=24)


class IdentityProviderUnreachable(Problem):
    """The keys of the shop's identity provider cannot be fetched just now."""

    code = "identity_provider_unreachable"
    status = 503
    title = _("Tokens cannot be checked just now. Try again.")


class InvalidToken(AuthenticationFailed):
    """Forged, meant for somebody else, or not a token at all; which of these is nobody's business."""

    default_code = "token_invalid"
    default_detail = _("The token is not valid.")


class TokenExpired(AuthenticationFailed):
    default_code = "token_expired"
    default_detail = _("The token has expired.")


class TokenLivesTooLong(AuthenticationFailed):
    default_code = "token_lives_too_long"
    default_detail = _("The token lives too long: a day at most.")


class NotAMember(AuthenticationFailed):
    """Unknown, closed or merged away."""

    default_code = "not_a_member"
    default_detail = _("The token names no active member of the programme.")


@dataclass(frozen=True, slots=True)
class MemberPrincipal:
    """request.user of a member's call. `principal` names the caller to throttles and idempotency keys."""

    member: Member
    is_authenticated = True

    @property
    def pk(self) -> str:
        return self.principal

    @property
    def principal(self) -> str:
        return f"member:{self.member.external_id}"

    @property
    def subject(self) -> str:
        return self.member.external_id

    @property
    def actor(self) -> audit.Actor:
        return audit.Actor(label=f"Member {self.member.external_id}")


def _find(external_id: str) -> Member | None:
    return Member.objects.filter(external_id=external_id).first()


_named: Callable[[str], Member | None] = _find


def read_by(named: Callable[[str], Member | None]) -> None:
    """Called once when a higher floor starts (apps.py), to join in its own what members' pages show."""
    global _named
    _named = named


class MemberAuthentication(BaseAuthentication):
    """`Authorization: Bearer <JWT>`: signature by an allowed algorithm, `aud`, `iss` (if set), `exp`, `nbf`, `iat`.

    A token lives for a day at most. One query (`read_by` says what it reads).
    """

    def authenticate(self, request):
        header = get_authorization_header(request).split()
        if not header or header[0].lower() != b"bearer":
            return None
        if len(header) != 2:
            raise InvalidToken(_("The header must read: Bearer, a space, the token."))
        claims = decode(header[1].decode(errors="replace"))
        return MemberPrincipal(self._member(claims["sub"])), claims

    def authenticate_header(self, request):
        return 'Bearer realm="member"'

    def _member(self, external_id: str) -> Member:
        member = None
        if profiles.is_external_id(external_id):
            member = _named(external_id)
        if member is None or member.status != Member.Status.ACTIVE:
            raise NotAMember
        return member


def decode(token: str) -> dict[str, Any]:
    """The claims of a token that passes every check. Raises kinds of AuthenticationFailed."""
    try:
        claims = jwt.decode(
            token,
            key=_key(token),
            algorithms=settings.MEMBER_JWT_ALGORITHMS,
            audience=settings.MEMBER_JWT_AUDIENCE,
            issuer=settings.MEMBER_JWT_ISSUER or None,
            leeway=LEEWAY,
            options={"require": ["exp", "sub", "aud"]},
        )
    except jwt.PyJWKClientConnectionError:
        raise IdentityProviderUnreachable(retry_after=5) from None
    except jwt.ExpiredSignatureError:
        raise TokenExpired from None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
        raise InvalidToken from None
    _check_lifetime(claims, timezone.now().timestamp())
    return claims


def _check_lifetime(claims: dict[str, Any], now: float) -> None:
    """A provider's clock may run ahead of ours, but what has expired has expired; and nobody can revoke a long-lived
    token. Without `iat`, the time that is left counts.
    """
    ends = int(claims["exp"])
    if ends <= now:
        raise TokenExpired
    if ends - int(claims.get("iat", now)) > MAX_LIFETIME.total_seconds():
        raise TokenLivesTooLong


def _key(token: str) -> Any:
    if settings.MEMBER_JWT_JWKS_URL:
        return _jwks(settings.MEMBER_JWT_JWKS_URL).get_signing_key_from_jwt(token).key
    if not settings.MEMBER_JWT_KEY:
        raise jwt.InvalidKeyError("no key is configured")
    return settings.MEMBER_JWT_KEY


@lru_cache(maxsize=4)
def _jwks(url: str) -> jwt.PyJWKClient:
    """Keys are kept for five minutes; unknown key ids do not make it ask again and again."""
    return jwt.PyJWKClient(url, cache_keys=True, timeout=5)


class MemberScheme(OpenApiAuthenticationExtension):
    target_class = MemberAuthentication
    match_subclasses = True
    name = "memberToken"

    def get_security_definition(self, auto_schema):
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "Signed by the shop's identity provider; `sub` is the member's external id.",
        }
