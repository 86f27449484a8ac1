"""Reviews and likes (domain.md F13): a reward behind gates, growth with honest likes, taken back with the review."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from django.utils.translation import gettext_lazy as _

from common import clock
from common.problems import Problem
from common.services.inbox import Event, Outcome
from loyalty import facts
from loyalty.models import EarningRuleVersion, Lot, OrderLine, Review, ReviewLike, Shortfall, Wallet
from loyalty.selectors import campaign_undos, likers
from loyalty.selectors import programme as programmes
from loyalty.services import clawbacks, earning, grown, orderfile, wallets
from loyalty.services.desk import Desk
from loyalty.services.earning import NO_LIMITS, Evaluation, Missed
from loyalty.services.memberfacts import MemberFacts
from loyalty.services.occasions import Occasion
from loyalty.services.orderfile import OrderFile

Reason = Shortfall.Reason


class UnknownReview(Problem):
    """There is no such review of this member."""

    code = "unknown_review"
    status = 422
    title = _("There is no such review.")


def prepare_approvals(desk: Desk, events: Sequence[Event]) -> None:
    """Read the orders, the reviews of that name and the member's earlier rewarded reviews."""
    desk.orders.update(orderfile.load({event.data.order for event in events} - desk.orders.keys()))
    desk.lock({file.account_id for file in desk.orders.values()} - desk.book.accounts.keys())
    _load(desk, {event.data.review for event in events})
    desk.shelf.setdefault("memberfacts", MemberFacts(desk.wallets.values(), desk.rules))
    members = [wallet.member_id for wallet in desk.wallets.values()]
    times, near = [event.time for event in events], dt.timedelta(days=desk.programme.review_repeat_days + 1)
    rewarded = Review.objects.filter(
        member__in=members, approved_at__gte=min(times) - near, approved_at__lte=max(times) + near, refusal=""
    )
    desk.shelf.setdefault("rewarded", []).extend(rewarded.values_list("member_id", "sku", "approved_at"))
    grown.prepare_photos(desk, events)


def prepare(desk: Desk, events: Sequence[Event]) -> None:
    """Read the reviews that these events name, and what is known of those who like them."""
    _load(desk, {event.data.review for event in events})
    grown.prepare_reviews(desk)
    removals = {event.subject for event in events if event.type == "review.removed"}
    if removals:
        desk.book.load_lots({wallet.account_id for subject, wallet in desk.wallets.items() if subject in removals})
        _load_lots(desk)
    likes = [event for event in events if event.type == "review.liked"]
    if likes:
        reviews = desk.shelf["reviews"].values()
        given = ReviewLike.objects.filter(review__in=reviews).values_list("review__code", "by", "device")
        desk.shelf["likes"] = {(code, by) for code, by, _device in given}
        desk.shelf["devices"] = {(code, device) for code, _by, device in given if device}
        desk.shelf["likers"] = likers.known({event.data.by for event in likes})


def _load(desk: Desk, codes: set[str]) -> None:
    known = desk.shelf.setdefault("reviews", {})
    for review in Review.objects.filter(code__in=codes - known.keys()).select_related("order_line", "member"):
        known[review.code] = review


def approve(desk: Desk, event: Event) -> Outcome:
    """review.approved: rewarded if every gate is open, else remembered with the reason."""
    wallet, data = desk.wallet(event.subject), event.data
    if data.review in desk.shelf["reviews"]:
        return Outcome.ignored("review_already_known")
    file = desk.orders.get(data.order)
    line = file.line(data.line) if file is not None and file.is_of(wallet) else None
    refusal = _refusal(desk, wallet, file, line, event)
    review = Review(
        code=data.review,
        member=wallet.member,
        order_line=line,
        sku=line.sku if line else "",
        photos=data.photos,
        approved_at=event.time,
        refusal=refusal,
    )
    desk.add(review)
    desk.shelf["reviews"][data.review] = review
    evaluation = _evaluate(desk, wallet, file, line, event, refused=bool(refusal))
    if refusal:
        return Outcome.ignored(refusal, _refuse(desk, wallet, evaluation, refusal, f"review:{data.review}"))
    desk.shelf["rewarded"].append((wallet.member_id, review.sku, event.time))
    return Outcome.applied(_reward(desk, wallet, review, evaluation, event.time))


def _refusal(desk: Desk, wallet: Wallet, file: OrderFile | None, line: OrderLine | None, event: Event) -> str:
    """The first gate that is shut, or nothing (S2-56, E35–E38)."""
    if file is None or line is None or file.order.completed_at is None:
        return Reason.NOT_PURCHASED
    if line.refunded_quantity == line.quantity:
        return Reason.REFUNDED
    price = line.cash + programmes.money_of(desk.programme, line.points)
    if price < desk.programme.review_min_unit_price * line.quantity:
        return Reason.PRICE_GATE
    if event.time > file.order.completed_at + dt.timedelta(days=desk.programme.review_window_days):
        return Reason.TOO_LATE
    return Reason.REPEATED if _repeats(desk, wallet.member_id, line.sku, event.time) else ""


def _repeats(desk: Desk, member_id: int, sku: str, at: dt.datetime) -> bool:
    """Another rewarded review of the product by this member, up to so many days away (E38: diff_days > n passes)."""
    day = clock.local_date(at)
    return any(
        member_id == other
        and sku == same
        and abs((day - clock.local_date(then)).days) <= desk.programme.review_repeat_days
        for other, same, then in desk.shelf["rewarded"]
        if sku
    )


def _evaluate(
    desk: Desk, wallet: Wallet, file: OrderFile | None, line: OrderLine | None, event: Event, *, refused: bool
) -> Evaluation:
    known = desk.shelf["memberfacts"].of(wallet, event.time, photos=event.data.photos)
    items = (
        [item for item in file.kept() if item.number == line.number] if file is not None and line is not None else []
    )
    occasion = Occasion(type=event.type, at=event.time, local=clock.local(event.time), facts=known, items=items)
    return earning.evaluate(
        desk.rules.in_force(event.type, event.time),
        occasion,
        NO_LIMITS if refused else desk.caps.of(wallet.account_id),
    )


def _refuse(desk: Desk, wallet: Wallet, evaluation: Evaluation, refusal: str, reference: str) -> dict:
    for award in evaluation.awards:
        desk.fall_short(wallet, Missed(award.version, award.points, 0, refusal), reference)
    capped = [
        {"rule": award.version.rule.code, "computed": award.points, "granted": 0, "reason": refusal}
        for award in evaluation.awards
    ]
    return {"points": {"earned": 0, "pending": 0, "capped": capped}}


def _reward(desk: Desk, wallet: Wallet, review: Review, evaluation: Evaluation, at: dt.datetime) -> dict:
    paid = desk.pay(
        wallet, evaluation, earned_at=at, source=Lot.Source.REVIEW, reference=f"review:{review.code}", review=review
    )
    grows = any(award.version.formula == EarningRuleVersion.Formula.LIKES for award in evaluation.awards)
    checks = sorted(desk.programme.like_check_days)
    desk.change(
        review,
        rewarded=paid.earned,
        next_like_check_at=at + dt.timedelta(days=checks[0]) if grows and checks else None,
    )
    if paid.earned:
        desk.publish(facts.ReviewRewarded(wallet.member.external_id, review.code, paid.earned, 0))
    grown.review(desk, wallet, review)
    return {"points": {"earned": paid.earned, "pending": paid.pending, "capped": paid.capped}}


def like(desk: Desk, event: Event) -> Outcome:
    """review.liked: remembered once per person with the weight it deserves; points follow at the next count (F13)."""
    wallet, review, data = desk.wallet(event.subject), _mine(desk, event), event.data
    if (review.code, data.by) in desk.shelf["likes"]:
        return Outcome.ignored("already_liked")
    reason = likers.distrust(
        desk.shelf["likers"].get(data.by),
        author=wallet.member.external_id,
        by=data.by,
        device_seen=bool(data.device) and (review.code, data.device) in desk.shelf["devices"],
        at=event.time,
        least_days=desk.programme.like_min_account_days,
    )
    desk.shelf["likes"].add((review.code, data.by))
    desk.shelf["devices"].add((review.code, data.device))
    weight = 0 if reason else 100
    desk.add(ReviewLike(review=review, by=data.by, device=data.device, at=event.time, weight=weight, reason=reason))
    effects = {"like": {"weight": weight, "reason": reason}}
    if review.next_like_check_at:
        effects["like"]["counted_at"] = review.next_like_check_at.isoformat()
    return Outcome.applied(effects)


def remove(desk: Desk, event: Event) -> Outcome:
    """review.removed: what it earned is taken back from its lots, then other lots, then as debt."""
    wallet, review = desk.wallet(event.subject), _mine(desk, event)
    if review.status == Review.Status.REMOVED:
        return Outcome.ignored("review_already_removed")
    taken = _withdraw(desk, wallet, review)
    return Outcome.applied({"points": {"clawed_back": taken.points, "debt": taken.debt}})


def prepare_withdrawals(desk: Desk, line_ids: Collection[int]) -> None:
    """Read the reviews of some order lines."""
    known = desk.shelf.setdefault("reviews", {})
    for found in Review.objects.filter(order_line__in=line_ids, status=Review.Status.APPROVED):
        known.setdefault(found.code, found)
    grown.prepare_reviews(desk)
    _load_lots(desk)


def _load_lots(desk: Desk) -> None:
    """What the known reviews earned, as far as it lies in accounts at hand, for all of them at once."""
    known: dict[int, list[Lot]] = desk.shelf.setdefault("review_lots", {})
    wanted = {review.pk for review in desk.shelf["reviews"].values() if review.pk} - known.keys()
    known |= {pk: [] for pk in wanted}
    lots = Lot.objects.filter(review__in=wanted, account__in=desk.book.accounts).order_by("lot_seq")
    for lot in desk.book.adopt(lots) if wanted else ():
        known[lot.review_id or 0].append(lot)


def withdraw_for(desk: Desk, wallet: Wallet, line: OrderLine) -> None:
    """The reviews of a line that was wholly given back lose their reward (E35)."""
    for review in desk.shelf.get("reviews", {}).values():
        if review.status == Review.Status.APPROVED and _is_about(review, line):
            _withdraw(desk, wallet, review)


def _is_about(review: Review, line: OrderLine) -> bool:
    if line.pk:
        return review.order_line_id == line.pk
    return review.pk is None and review.order_line is line


def _withdraw(desk: Desk, wallet: Wallet, review: Review) -> clawbacks.Taken:
    reference = f"review:{review.code}/removed"
    grown.withdraw(desk, wallet, review, reference)
    desk.book.settle(wallet.account_id)
    lots = _lots_of(desk, wallet, review)
    undone = sum(campaign_undos.charged(lots).values()) if desk.rules.has_undone else 0
    taken = clawbacks.take(desk, wallet, review.rewarded - undone, lots, reference=reference)
    desk.change(review, status=Review.Status.REMOVED, removed_at=desk.at, rewarded=0, next_like_check_at=None)
    if taken.points or taken.debt:
        desk.publish(facts.PointsClawedBack(wallet.member.external_id, taken.points, taken.debt, reference))
    return taken


def _lots_of(desk: Desk, wallet: Wallet, review: Review) -> list[Lot]:
    if review.pk is None:
        return desk.book.lots_for([wallet.account_id], "review", [review])
    return [lot for lot in desk.shelf["review_lots"].get(review.pk, ()) if lot.account_id == wallet.account_id]


def _mine(desk: Desk, event: Event) -> Review:
    review = desk.shelf["reviews"].get(event.data.review)
    if review is None or not wallets.stands_for(desk.wallet(event.subject), review.member):
        raise UnknownReview
    return review
