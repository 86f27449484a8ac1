"""Likes pay after a hold: photo reviews grow with the honest likes they have at each of the days of counting (F13)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Sequence

from django.db.models import QuerySet, Sum

from common.models import JobRun, Staff
from common.services import jobs
from loyalty import facts
from loyalty.models import EarningRuleVersion, Lot, Review, ReviewLike, Wallet
from loyalty.selectors import spans
from loyalty.services import earning
from loyalty.services.desk import Desk
from loyalty.services.earning import Award, Evaluation, Missed
from members.models import Member

JOB = "count-likes"

# A like that counts in full has this weight.
FULL_WEIGHT = 100


def count(
    as_of: dt.datetime,
    at: dt.datetime,
    *,
    requested_by: Staff | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> JobRun:
    """Count the likes of the reviews whose day has come by `as_of` and pay what they have grown by, within the caps.

    R(n) less what the rule version has paid for the review, never negative: likes that vanish take nothing back. Safe to
    stop, repeat and run twice.
    """
    return jobs.run(
        JOB,
        as_of,
        spans=lambda: spans.of(due(as_of), by="member_id"),
        work=lambda first, last: _count_span(due(as_of).filter(member__gte=first, member__lte=last), as_of, at),
        at=at,
        requested_by=requested_by,
        progress=progress,
    )


def due(as_of: dt.datetime) -> QuerySet[Review]:
    """The reviews whose likes are to be counted by `as_of`."""
    return Review.objects.filter(status=Review.Status.APPROVED, next_like_check_at__lte=as_of)


def _count_span(reviews_due: QuerySet[Review], as_of: dt.datetime, at: dt.datetime) -> dict[str, int]:
    names = list(reviews_due.order_by().values_list("member__external_id", flat=True).distinct())
    desk = Desk(names, at)
    reviews = list(reviews_due.filter(member__external_id__in=names).select_related("member"))
    likes, paid = _likes(reviews, as_of), _paid(reviews)
    points = 0
    for review in reviews:
        wallet = desk.wallets[review.member.external_id]
        if wallet.member.status != Member.Status.CLOSED:
            points += _grow(desk, wallet, review, likes.get(review.pk, 0), paid[review.pk])
        desk.change(review, next_like_check_at=_next_check(desk, review, as_of))
    desk.close()
    return {"reviews": len(reviews), "points": points}


def _likes(reviews: Sequence[Review], as_of: dt.datetime) -> dict[int, int]:
    """By review: its whole likes, the sum of their weights rounded down. One statement."""
    weights = ReviewLike.objects.filter(review__in=reviews, at__lte=as_of).values_list("review_id")
    return {review_id: weight // FULL_WEIGHT for review_id, weight in weights.annotate(Sum("weight"))}


def _paid(reviews: Sequence[Review]) -> dict[int, dict[EarningRuleVersion, int]]:
    """By review: what each rule version that grows with likes has paid for it. Two statements."""
    lots = (
        Lot.objects.filter(review__in=reviews, parent=None, rule_version__formula=EarningRuleVersion.Formula.LIKES)
        .values_list("review_id", "rule_version_id")
        .annotate(points=Sum("earned"))
    )
    rows = list(lots)
    versions = EarningRuleVersion.objects.select_related("rule", "campaign").in_bulk({row[1] for row in rows})
    paid: dict[int, dict[EarningRuleVersion, int]] = defaultdict(dict)
    for review_id, version_id, points in rows:
        paid[review_id][versions[version_id]] = points
    return paid


def _grow(desk: Desk, wallet: Wallet, review: Review, likes: int, paid: dict[EarningRuleVersion, int]) -> int:
    """Pay what the likes have made of a review since it was last paid; return the points."""
    evaluation = Evaluation()
    for version, already in paid.items():
        reward = earning.likes_reward(version.points, version.likes_factor, version.likes_max, likes)
        if reward > already:
            _award(desk, wallet, version, reward - already, evaluation)
    grown = desk.pay(
        wallet,
        evaluation,
        earned_at=desk.at,
        source=Lot.Source.REVIEW,
        reference=f"review:{review.code}/likes",
        review=review,
    ).earned
    desk.change(review, rewarded=review.rewarded + grown, likes_counted=likes)
    if grown:
        desk.publish(facts.ReviewRewarded(wallet.member.external_id, review.code, grown, likes))
    return grown


def _award(desk: Desk, wallet: Wallet, version: EarningRuleVersion, points: int, evaluation: Evaluation) -> None:
    """Add an award within what the rule may still give, and what was missed."""
    granted, reason = points, ""
    caps = desk.caps.of(wallet.account_id)
    for limit, because in caps.left(version, desk.at):
        if limit < granted:
            granted, reason = max(limit, 0), because
    if reason:
        evaluation.missed.append(Missed(version, points, granted, reason))
    if granted:
        caps.take(version, desk.at, granted)
        evaluation.awards.append(Award(version, [], [granted], points))


def _next_check(desk: Desk, review: Review, as_of: dt.datetime) -> dt.datetime | None:
    """The first day of counting that is still to come."""
    checks = (review.approved_at + dt.timedelta(days=days) for days in sorted(desk.programme.like_check_days))
    return next((check for check in checks if check > as_of), None)
