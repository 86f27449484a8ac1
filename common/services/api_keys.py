"""API keys: made once, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from common.models import ApiKey
from common.prepared import prepared
from common.problems import InvalidInput
from common.services import audit


def issue(
    name: str, scopes: Collection[str], actor: audit.Actor, at: datetime, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key and its text "prefix.secret", which nobody can read again. Raises InvalidInput for unknown scopes."""
    unknown = set(scopes) - set(ApiKey.Scope.values)
    if unknown or not scopes:
        raise InvalidInput(_("A key needs scopes, and only known ones."))
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    with transaction.atomic():
        key = ApiKey.objects.create(
            name=name,
            prefix=prefix,
            secret_hash=_hash(secret),
            scopes=sorted(scopes),
            created_at=at,
            created_by=actor.staff,
            expires_at=expires_at,
        )
        summary = _("API key %(name)s was issued.") % {"name": name}
        audit.record(actor, "common.api_keys.issue", key, summary, at, data={"scopes": key.scopes})
    return key, f"{prefix}.{secret}"


def revoke(key: ApiKey, actor: audit.Actor, at: datetime) -> ApiKey:
    """The key opens nothing any more, at once and for ever; revoking twice changes nothing."""
    with transaction.atomic():
        if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=at):
            summary = _("API key %(name)s was revoked.") % {"name": key.name}
            audit.record(actor, "common.api_keys.revoke", key, summary, at)
    key.refresh_from_db()
    return key


def find(text: str, at: datetime) -> ApiKey | None:
    """The key that this text opens at that time, or None. One query; the secret is compared in constant time."""
    prefix, _dot, secret = text.partition(".")
    key = next(iter(_by_prefix(prefix)), None) if prefix.isalnum() and len(prefix) <= 12 else None
    matches = hmac.compare_digest(_hash(secret), key.secret_hash if key else "0" * 64)
    if key is None or not matches or key.revoked_at is not None:
        return None
    return None if key.expires_at is not None and key.expires_at <= at else key


@prepared
def _by_prefix(prefix: str) -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(prefix=prefix).order_by()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
