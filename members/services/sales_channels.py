"""Sales channels: the keys with which they sell by themselves."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from common.models import ApiKey
from common.services import api_keys, audit
from members.models import ChannelKey, SalesChannel


@transaction.atomic
def issue_key(
    channel: SalesChannel, name: str, actor: audit.Actor, at: dt.datetime, expires_at: dt.datetime | None = None
) -> tuple[ChannelKey, str]:
    """A new API key that sells for this channel and nothing else, and its text, which nobody can read again."""
    key, text = api_keys.issue(name, [ApiKey.Scope.CHANNEL_SELL], actor, at, expires_at)
    return ChannelKey.objects.create(key=key, channel=channel), text
