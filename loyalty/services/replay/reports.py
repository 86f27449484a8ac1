"""The page a replay ends with."""

from __future__ import annotations

from collections.abc import Iterator

from common.models import JobRun
from loyalty.services.replay import summaries
from loyalty.services.replay.playback import Playback
from loyalty.services.replay.tally import Tally


def rows_of(tally: Tally) -> Iterator[str]:
    """What became of the rows of the file."""
    yield f"{'Rows of the file':44}{'rows':>10}{'units':>12}{'amount':>18}"
    for (stream, fate), part in sorted(tally.sums.items()):
        yield f"  {stream + ': ' + fate:42}{part.rows:>10,}{part.units:>12,}{part.amount / 1000:>18,.3f}"


def events_of(events: summaries.Events, playback: Playback) -> Iterator[str]:
    """What became of the events, and how fast."""
    yield "Events"
    yield _line("applied", events.applied)
    for reason, number in events.ignored.items():
        yield _line(f"ignored: {reason}", number)
    for code, number in events.rejected.items():
        yield _line(f"rejected: {code}", number)
    yield _line("duplicates", playback.counts["duplicate"])
    seconds, nights = playback.seconds["events"], playback.seconds["nights"]
    if seconds:
        yield f"  {playback.sent:,} sent in {seconds:.1f} s ({playback.sent / seconds:,.0f}/s), nights {nights:.1f} s"


def points_of(points: summaries.Points) -> Iterator[str]:
    """The programme's books afterwards."""
    yield "Points"
    for name in (
        "issued",
        "spent",
        "restored",
        "clawed_back",
        "expired",
        "adjusted",
        "outstanding",
        "debt",
        "forgiven",
    ):
        yield _line(name.replace("_", " "), getattr(points, name))
    yield _line("cash deducted from refunds (minor units)", points.cash_deduction)


def tiers_of(tiers: list[tuple[str, int, int]]) -> Iterator[str]:
    """The pyramid, the highest tier first."""
    yield f"{'Tiers':44}{'members':>10}{'growth':>16}"
    for name, members, growth in tiers:
        yield f"  {name:42}{members:>10,}{growth:>16,}"


def proof_of(run: JobRun) -> Iterator[str]:
    """Every invariant of the ledger, green or red."""
    proofs = list(run.proofs.order_by("pk"))
    red = [proof for proof in proofs if proof.offenders]
    yield f"Proof: {len(proofs) - len(red)} of {len(proofs)} invariants hold"
    for proof in red:
        yield f"  RED {proof.invariant}: {proof.offenders} offenders, first {proof.sample[:3]}"


def is_green(run: JobRun) -> bool:
    return not run.proofs.filter(offenders__gt=0).exists()


def _line(name: str, number: int) -> str:
    return f"  {name:42}{number:>10,}"
