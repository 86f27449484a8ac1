"""Games: versions are drafted by one person and put in force by another; anyone who may stops them."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import Problem
from common.services import audit
from loyalty.selectors import programme as programmes
from loyalty.services.rules import NotADraft, SecondPersonNeeded
from rewards.models import Game, GameVersion
from rewards.selectors import odds
from rewards.services import seeds

Status = GameVersion.Status


class GameNotSound(Problem):
    """The version breaks a rule of games; `reasons` name each of them."""

    code = "game_not_sound"
    status = 422
    title = _("The game cannot be activated like this.")


class GameOver(Problem):
    """The version's end has passed."""

    code = "game_over"
    status = 409
    title = _("The game's end has passed.")


class TicketsAreSold(Problem):
    """Who holds a ticket plays by the odds it was sold with: the lottery is drawn first."""

    code = "tickets_are_sold"
    status = 409
    title = _("Tickets of the running lottery are sold; it has to be drawn first.")


class NotRunning(Problem):
    """Only an active game can be stopped."""

    code = "game_not_running"
    status = 409
    title = _("The game is not running.")


def draft_from(version: GameVersion, actor: audit.Actor, at: dt.datetime) -> GameVersion:
    """A new draft that says the same, prizes included; or the draft there is."""
    with transaction.atomic():
        game = Game.objects.select_for_update().get(pk=version.game_id)
        found = game.versions.filter(status=Status.DRAFT).first()
        if found is not None:
            return found
        draft = GameVersion.objects.get(pk=version.pk)
        draft.pk, draft._state.adding = None, True
        draft.number, draft.status = next_number(game), Status.DRAFT
        draft.created_by, draft.changed_at = actor.staff, at
        draft.activated_by = draft.activated_at = draft.drawn_at = None
        draft.tickets_sold, draft.called_off = 0, False
        draft.save()
        for prize in version.prizes.all():
            prize.pk, prize._state.adding, prize.version = None, True, draft
            prize.save()
        audit.record(actor, "rewards.games.draft_from", draft, f"New draft from {version}", at)
    return draft


def next_number(game: Game) -> int:
    """The number of the game's next version."""
    newest = game.versions.order_by("-number").first()
    return newest.number + 1 if newest else 1


def activate(version: GameVersion, actor: audit.Actor, at: dt.datetime, new_seed: seeds.NewSeed) -> GameVersion:
    """Put a draft or stopped version in force in place of the active one; by another person than its author.

    Commits to a seed. Raises SecondPersonNeeded, NotADraft, GameOver, TicketsAreSold, GameNotSound.
    """
    with transaction.atomic():
        game = Game.objects.select_for_update().get(pk=version.game_id)
        version = GameVersion.objects.select_for_update(of=("self",)).select_related("game").get(pk=version.pk)
        _check(version, actor, at)
        for earlier in game.versions.select_for_update().filter(status__in=[Status.ACTIVE, Status.STOPPED]):
            _replace(earlier, version, at)
        version.status, version.activated_by, version.activated_at = Status.ACTIVE, actor.staff, at
        version.save(update_fields=["status", "activated_by", "activated_at"])
        period = seeds.open_period(version, at, new_seed)
        data = {"commitment": period.commitment}
        audit.record(actor, "rewards.games.activate", version, _("Activated: %s") % version, at, data=data)
    return version


def _replace(earlier: GameVersion, version: GameVersion, at: dt.datetime) -> None:
    if earlier.pk == version.pk:
        return
    if earlier.tickets_sold and earlier.drawn_at is None:
        raise TicketsAreSold
    earlier.status = Status.REPLACED
    earlier.save(update_fields=["status"])
    seeds.close(earlier, at)


def _check(version: GameVersion, actor: audit.Actor, at: dt.datetime) -> None:
    if actor.staff is None or actor.staff.pk == version.created_by_id:
        raise SecondPersonNeeded
    if version.status not in (Status.DRAFT, Status.STOPPED):
        raise NotADraft
    if version.ends_at <= at:
        raise GameOver
    found = odds.faults(version, list(version.prizes.all()), programmes.current())
    if found:
        raise GameNotSound(
            " ".join(str(fault.words) for fault in found),
            reasons=[{"code": fault.code, "detail": str(fault.words)} for fault in found],
        )


def stop(version: GameVersion, actor: audit.Actor, at: dt.datetime) -> GameVersion:
    """Let nobody play any more; what was won stays, tickets that are sold are drawn, seeds are revealed. Raises NotRunning."""
    with transaction.atomic():
        version = GameVersion.objects.select_for_update(of=("self",)).select_related("game").get(pk=version.pk)
        if version.status != Status.ACTIVE:
            raise NotRunning
        version.status = Status.STOPPED
        version.save(update_fields=["status"])
        if not version.game.is_lottery:
            seeds.close(version, at)
        audit.record(actor, "rewards.games.stop", version, _("Stopped: %s") % version, at)
    return version
