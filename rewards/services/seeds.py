"""Seeds of games: committed to before the first draw, revealed when they decide nothing any more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.problems import Problem
from common.services import audit
from rewards.models import Game, GameVersion, SeedPeriod
from rewards.services import draws

NewSeed = Callable[[], str]
HOUSE = audit.Actor("the nightly change of seeds")


class LotterySeedStays(Problem):
    """A lottery's seed was committed to when tickets went on sale; it is revealed by the draw."""

    code = "lottery_seed_stays"
    status = 409
    title = _("The seed of a lottery is revealed when it is drawn, not before.")


class NoOpenSeed(Problem):
    """The version has no seed that could be changed."""

    code = "no_open_seed"
    status = 409
    title = _("There is no open seed to reveal.")


def current(version: GameVersion) -> SeedPeriod | None:
    """The period that decides the version's draws now."""
    return SeedPeriod.objects.filter(version=version, closed_at=None).first()


def open_period(version: GameVersion, at: dt.datetime, new_seed: NewSeed) -> SeedPeriod:
    """Commit to a seed, unless one is open. Runs in the caller's transaction, which holds the version."""
    found = current(version)
    if found is not None:
        return found
    seed = new_seed()
    return SeedPeriod.objects.create(version=version, server_seed=seed, commitment=draws.commitment(seed), opened_at=at)


def close(version: GameVersion, at: dt.datetime) -> int:
    """Reveal the version's open seed, if there is one; returns how many that were."""
    return SeedPeriod.objects.filter(version=version, closed_at=None).update(closed_at=at)


def change(version: GameVersion, actor: audit.Actor, at: dt.datetime, new_seed: NewSeed) -> SeedPeriod:
    """Reveal the open seed and commit to a new one. Raises LotterySeedStays, NoOpenSeed.

    A play that runs at the same time keeps the seed it has read: its client seed was chosen before the reveal.
    """
    with transaction.atomic():
        version = GameVersion.objects.select_for_update(of=("self",)).select_related("game").get(pk=version.pk)
        if version.game.is_lottery:
            raise LotterySeedStays
        if not close(version, at):
            raise NoOpenSeed
        opened = open_period(version, at, new_seed)
        audit.record(actor, "rewards.seeds.change", opened, f"{version}: {opened.commitment}", at)
    return opened


def rotate(before: dt.datetime, at: dt.datetime, new_seed: NewSeed) -> int:
    """Nightly: reveal the seeds that were opened before an instant; returns how many. Safe to run twice.

    A version that can still be played commits to a new one.
    """
    due = SeedPeriod.objects.filter(closed_at=None, opened_at__lt=before).exclude(version__game__kind=Game.Kind.LOTTERY)
    versions = list(GameVersion.objects.filter(seed_periods__in=due))
    for version in versions:
        if version.ends_at <= at:
            close(version, at)
        else:
            change(version, HOUSE, at, new_seed)
    return len(versions)
