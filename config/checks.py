"""System checks that explain a wrong setting in words. Those tagged `deploy` run with `manage.py check --deploy`."""

import re
import zoneinfo
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

PUBLIC_KEY_ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
SECRET_ALGORITHMS = {"HS256", "HS384", "HS512"}


@register(Tags.security)
def secrets(app_configs: Any, **kwargs: Any) -> Iterator[CheckMessage]:
    """What must not be reachable by others: debug pages, and a secret key that everybody can read."""
    if not _open_to_others():
        return
    hosts = ", ".join(settings.ALLOWED_HOSTS)
    if settings.DEBUG:
        yield Error(
            f"DEBUG is on while ALLOWED_HOSTS lets others in ({hosts}): error pages would show them secrets.",
            hint="Take DEBUG out of the environment, or serve local names only.",
            id="config.E001",
        )
    if settings.SECRET_KEY == settings.INSECURE_SECRET_KEY:
        yield Error(
            f"SECRET_KEY is the demo's, which is public, while ALLOWED_HOSTS lets others in ({hosts}).",
            hint="Set SECRET_KEY to 50 random characters and keep it secret.",
            id="config.E002",
        )


@register()
def programme(app_configs: Any, **kwargs: Any) -> Iterator[CheckMessage]:
    """The installation's currency and time zone must exist; both are fixed once the first points are earned."""
    if not re.fullmatch(r"[A-Z]{3}", settings.PROGRAMME_CURRENCY):
        yield Error(
            f"PROGRAMME_CURRENCY is {settings.PROGRAMME_CURRENCY!r}, which is not an ISO 4217 code.",
            hint="Write three capital letters, such as CNY or EUR.",
            id="config.E003",
        )
    try:
        zoneinfo.ZoneInfo(settings.PROGRAMME_TIME_ZONE)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        yield Error(
            f"PROGRAMME_TIME_ZONE is {settings.PROGRAMME_TIME_ZONE!r}, which is no time zone we know.",
            hint="Write an IANA name, such as Asia/Shanghai or Europe/Berlin.",
            id="config.E004",
        )


@register(Tags.security)
def groups(app_configs: Any, **kwargs: Any) -> Iterator[CheckMessage]:
    """A group of one or two is no group."""
    if settings.INSIGHT_LEAST_GROUP < 3:
        yield Error(
            f"INSIGHT_LEAST_GROUP is {settings.INSIGHT_LEAST_GROUP}: merchants would see single members.",
            hint="Write 3 or more; 10 is usual.",
            id="config.E020",
        )


@register(Tags.security)
def member_tokens(app_configs: Any, **kwargs: Any) -> Iterator[CheckMessage]:
    """A member's token is trusted only as far as key and algorithms fit together."""
    algorithms = set(settings.MEMBER_JWT_ALGORITHMS)
    if unknown := algorithms - PUBLIC_KEY_ALGORITHMS - SECRET_ALGORITHMS:
        yield Error(
            f"MEMBER_JWT_ALGORITHMS names what we do not accept: {', '.join(sorted(unknown))}.",
            hint="Use RS256 or ES256 (public key), or HS256 (shared secret).",
            id="config.E005",
        )
    if not settings.MEMBER_JWT_KEY and not settings.MEMBER_JWT_JWKS_URL:
        return
    if settings.MEMBER_JWT_KEY and settings.MEMBER_JWT_JWKS_URL:
        yield Error("MEMBER_JWT_KEY and MEMBER_JWT_JWKS_URL are both set.", hint="Keep one.", id="config.E006")
    if not algorithms:
        yield Error("MEMBER_JWT_ALGORITHMS is empty, so that no token could be checked.", id="config.E007")
    if algorithms & SECRET_ALGORITHMS and algorithms & PUBLIC_KEY_ALGORITHMS:
        yield Error(
            "MEMBER_JWT_ALGORITHMS mixes shared secrets (HS…) with public keys: a public key would pass as the secret.",
            hint="Name one kind only.",
            id="config.E008",
        )
    yield from _member_key(algorithms)
    if not settings.MEMBER_JWT_AUDIENCE:
        yield Error("MEMBER_JWT_AUDIENCE is empty: tokens made for other services would be accepted.", id="config.E012")


def _member_key(algorithms: set[str]) -> Iterator[CheckMessage]:
    key, address = settings.MEMBER_JWT_KEY, settings.MEMBER_JWT_JWKS_URL
    if key and algorithms & SECRET_ALGORITHMS and len(key.encode()) < 32:
        yield Error("MEMBER_JWT_KEY is a shared secret of fewer than 32 bytes: it can be guessed.", id="config.E009")
    if key and algorithms & PUBLIC_KEY_ALGORITHMS and "-----BEGIN PUBLIC KEY-----" not in key:
        yield Error(
            "MEMBER_JWT_KEY is not a public key in PEM form, which MEMBER_JWT_ALGORITHMS asks for.",
            hint="It begins with -----BEGIN PUBLIC KEY-----; line breaks may be written as \\n.",
            id="config.E010",
        )
    if address and (algorithms & SECRET_ALGORITHMS or not address.startswith("https://")):
        yield Error(
            "MEMBER_JWT_JWKS_URL must be an https address, and shared secrets (HS…) are never published there.",
            id="config.E011",
        )


@register(Tags.database)
def embedded_parts(app_configs: Any, **kwargs: Any) -> Iterator[CheckMessage]:
    """SQLite and the embedded broker are one machine's; they must not be mixed up with a real installation's parts."""
    on_sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if settings.CELERY_BROKER_URL.startswith("safefs") and not on_sqlite and _open_to_others():
        yield Error(
            "There is no broker: background work would wait for ever on other machines.",
            hint="Set REDIS_URL (or CELERY_BROKER_URL), for example redis://redis:6379/0.",
            id="config.E013",
        )


@register(Tags.security, deploy=True)
def deployment(app_configs: Any, **kwargs: Any) -> Iterator[CheckMessage]:
    """What a demo may do and an installation that people depend on should not."""
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        yield Warning(
            "The database is SQLite, which takes one writer at a time and one machine.",
            hint="Set DATABASE_URL, for example postgres://user:password@host:5432/loyalty.",
            id="config.W001",
        )
    if settings.CELERY_BROKER_URL.startswith("safefs"):
        yield Warning(
            "The broker is the embedded one, which loses what a killed worker holds.",
            hint="Set REDIS_URL.",
            id="config.W002",
        )
    if not settings.REDIS_URL:
        yield Warning(
            "Without REDIS_URL every process counts throttles for itself.", hint="Set REDIS_URL.", id="config.W003"
        )
    if settings.WEBHOOK_ALLOW_PRIVATE_TARGETS:
        yield Warning(
            "WEBHOOK_ALLOW_PRIVATE_TARGETS is on: a webhook address could reach your inner network.",
            id="config.W004",
        )
    if not settings.MEMBER_JWT_KEY and not settings.MEMBER_JWT_JWKS_URL:
        yield Warning(
            "Neither MEMBER_JWT_KEY nor MEMBER_JWT_JWKS_URL is set: no member can sign in to the API.", id="config.W005"
        )


def _open_to_others() -> bool:
    return bool(set(settings.ALLOWED_HOSTS) - set(settings.LOCAL_HOSTS))
