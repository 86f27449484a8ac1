"""A merchant's messages: sent once, to those who agreed, within limits; the shop's own messaging carries them (S1-30)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common import clock
from common.models import JobRun
from common.problems import InvalidInput, Problem
from common.services import audit, jobs, outbox
from loyalty.selectors import spans
from merchants.facts import MerchantMessage
from merchants.models import Merchant, Message
from merchants.selectors import audiences
from merchants.selectors import messages as selectors

Status = Message.Status

JOB = "send-merchant-message"
CARDS_PER_CHUNK = 5_000
A_DAY, A_MONTH = 1, 4
"""How many messages a merchant may send on a local day and in a calendar month, so that members stay reachable."""


class MessageSent(Problem):
    """Only a draft is sent or changed."""

    code = "message_sent"
    status = 409
    title = _("The message has been sent already.")


class TooManyMessages(Problem):
    """The merchant has sent as many as it may for now."""

    code = "too_many_messages"
    status = 409
    title = _("The merchant has sent as many messages as it may for now.")


class AudienceTooSmall(Problem):
    """So small a group would tell who has agreed and who has not."""

    code = "audience_too_small"
    status = 409
    title = _("The group is too small.")


def check(message: Message) -> None:
    """Whether a draft makes sense. Raises InvalidInput with a place for each fault."""
    if errors := [
        {"pointer": f"/{field}", "code": "invalid", "detail": str(detail)} for field, detail in faults(message)
    ]:
        raise InvalidInput(errors=errors)


def faults(message: Message) -> list[tuple[str, Any]]:
    """What is wrong with a draft, as (field, words)."""
    return audiences.faults(message)


def send(message: Message, actor: audit.Actor, at: dt.datetime) -> Message:
    """Send a draft; the job delivers it. Raises MessageSent, InvalidInput, TooManyMessages, AudienceTooSmall."""
    with transaction.atomic():
        message = (
            Message.objects.select_for_update(of=("self",))
            .select_related("club__merchant", "segment")
            .get(pk=message.pk)
        )
        if message.status != Status.DRAFT:
            raise MessageSent
        check(message)
        _check_limits(message, at)
        if audiences.cards(message, at).count() < selectors.GROUP:
            raise AudienceTooSmall(
                _("A message goes to a group of at least %(least)d members.") % {"least": selectors.GROUP}
            )
        message.status, message.sent_at, message.sent_by = Status.SENDING, at, actor.staff
        message.save(update_fields=["status", "sent_at", "sent_by"])
        audit.record(actor, "merchants.messages.send", message, _("Sent: %(title)s") % {"title": message}, at)
    return message


def _check_limits(message: Message, at: dt.datetime) -> None:
    """Two at once are counted one after the other."""
    merchant = Merchant.objects.select_for_update(no_key=True).get(pk=message.club.merchant_id)
    today = clock.local_date(at)
    for first, most, words in (
        (today, A_DAY, _("At most %(most)d message a day: this one can go tomorrow.")),
        (clock.month_start(today), A_MONTH, _("At most %(most)d messages a month: this one can go next month.")),
    ):
        if selectors.sent_since(merchant.pk, clock.day_start(first)) >= most:
            raise TooManyMessages(words % {"most": most}, most=most)


def deliver_due(at: dt.datetime) -> int:
    """Hand over what was sent; return how many messages that were."""
    due = Message.objects.filter(status=Status.SENDING).select_related("club__merchant", "segment").order_by("pk")
    return jobs.each(due, lambda message: deliver(message, at))


def deliver(message: Message, at: dt.datetime, progress: Callable[[int, int], None] | None = None) -> JobRun:
    """Publish the message for each member who agrees at this moment. Killed half-way, it goes on: nobody hears it twice."""
    run = jobs.run(
        f"{JOB}-{message.pk}",
        message.sent_at or at,
        spans=lambda: spans.of(audiences.cards(message, at), CARDS_PER_CHUNK, by="id"),
        work=lambda first, last: _deliver(message, first, last, at),
        at=at,
        progress=progress,
    )
    reached = run.counts.get("members", 0)
    Message.objects.filter(pk=message.pk, status=Status.SENDING).update(status=Status.SENT, reached=reached)
    return run


def _deliver(message: Message, first: int, last: int, at: dt.datetime) -> dict[str, int]:
    cards = selectors.cards(message, at).filter(pk__gte=first, pk__lte=last).order_by("pk")
    club = message.club
    told = [
        MerchantMessage(key, club.merchant.code, str(club.uuid), str(message.uuid), message.title, message.text)
        for key in cards.values_list("member__external_id", flat=True)
    ]
    outbox.publish(told, at)
    return {"members": len(told)}
