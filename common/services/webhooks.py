"""Webhooks out: signed after the Standard Webhooks specification, and never into our own network."""

from __future__ import annotations

import ipaddress
import logging
import secrets
import socket
import time
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import httpx
import msgspec
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from standardwebhooks.webhooks import Webhook

from common.models import Fact, WebhookEndpoint
from common.problems import Problem
from common.services import audit

logger = logging.getLogger(__name__)

NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class TargetRefused(Problem):
    """The address is not one that webhooks may be sent to."""

    code = "webhook_target_refused"
    status = 422
    title = _("Webhooks cannot be sent to this address.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from an endpoint; taken means 2xx."""

    taken: bool
    status_code: int | None = None
    error: str = ""
    duration_ms: int = 0


def add(name: str, url: str, topics: list[str], actor: audit.Actor, at: datetime) -> WebhookEndpoint:
    """A new endpoint with a secret of its own. Raises TargetRefused."""
    resolve(url)
    secret = "whsec_" + b64encode(secrets.token_bytes(32)).decode()
    with transaction.atomic():
        endpoint = WebhookEndpoint.objects.create(name=name, url=url, topics=topics, secret=secret)
        audit.record(actor, "common.webhooks.add", endpoint, _("A webhook endpoint was added."), at, data={"url": url})
    return endpoint


def change(endpoint: WebhookEndpoint, actor: audit.Actor, at: datetime) -> WebhookEndpoint:
    """Save a changed name, address, topics or activity. Raises TargetRefused."""
    resolve(endpoint.url)
    with transaction.atomic():
        endpoint.save(update_fields=["name", "url", "topics", "is_active"])
        data = {"url": endpoint.url, "topics": endpoint.topics, "is_active": endpoint.is_active}
        audit.record(actor, "common.webhooks.change", endpoint, _("A webhook endpoint was changed."), at, data=data)
    return endpoint


def resolve(url: str) -> str:
    """The IP address to connect to for this URL, checked: every address that the name has must be a public one.

    Raises TargetRefused. settings.WEBHOOK_ALLOW_PRIVATE_TARGETS lifts the ban (development).
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise TargetRefused(_("The address cannot be read.")) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise TargetRefused(_("It must be an http or https address without a user name."))
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TargetRefused(_("Its host name is not known.")) from None
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not settings.WEBHOOK_ALLOW_PRIVATE_TARGETS and not all(map(_is_public, addresses)):
        raise TargetRefused(_("It leads into a private network."))
    return str(addresses[0])


def _is_public(address: Address) -> bool:
    """Whether the address is out on the internet, seen through the ways of writing IPv4 within IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def body_of(fact: Fact) -> bytes:
    """What an endpoint is sent: type, timestamp and data, the fact's key among the data."""
    document = {"type": fact.topic, "timestamp": fact.at, "data": {"key": fact.key, **fact.payload}}
    return msgspec.json.encode(document)


def send(endpoint: WebhookEndpoint, fact: Fact, at: datetime) -> Answer:
    """Post a fact to an endpoint, signed; whatever goes wrong is an Answer, never an exception.

    webhook-id is the fact's uuid, the same at every attempt, so that the receiver can tell a repetition.
    """
    started = time.monotonic()
    try:
        body = body_of(fact)
        status_code = _post(endpoint.url, body, _headers(endpoint, fact, body, at))
    except TargetRefused as refusal:
        return Answer(taken=False, error=str(refusal.detail))
    except httpx.HTTPError as error:
        return Answer(taken=False, error=repr(error)[:500], duration_ms=_elapsed(started))
    except Exception as error:  # an address or a secret that cannot be used
        logger.exception("webhook %s cannot be sent to %s", fact.uuid, endpoint)
        return Answer(taken=False, error=repr(error)[:500])
    taken = 200 <= status_code < 300
    return Answer(taken, status_code, "" if taken else f"HTTP {status_code}", _elapsed(started))


def _headers(endpoint: WebhookEndpoint, fact: Fact, body: bytes, at: datetime) -> dict[str, str]:
    webhook_id = str(fact.uuid)
    return {
        "content-type": "application/json",
        "user-agent": "loyalty-platform-webhooks/1",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(endpoint.secret).sign(webhook_id, at, body.decode()),
    }


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Post to the very address that was checked (a name may resolve to another one a moment later).

    No redirects, no proxies from the environment; the answer's body is not read.
    """
    target = httpx.URL(url)
    pinned = target.copy_with(host=resolve(url))
    headers = {**headers, "host": target.netloc.decode("ascii")}
    with (
        httpx.Client(timeout=settings.WEBHOOK_TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client,
        client.stream(
            "POST", pinned, content=body, headers=headers, extensions={"sni_hostname": target.host}
        ) as response,
    ):
        return response.status_code


def _elapsed(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
