"""What a member's conduct leads to: the vectors of domain.md F2, and which returns count."""

import datetime as dt
from fractions import Fraction

import pytest

from common import clock
from loyalty.models import CoefficientBand, CoefficientPolicy, Conduct, DeliveryRefusal, OrderLine, Refund, RefundLine
from loyalty.selectors import conduct
from loyalty.tests import conducts, stage
from members.models import CreditScore, Member

pytestmark = pytest.mark.django_db

DECEMBER = clock.day_start(dt.date(2026, 12, 1))
NOVEMBER = clock.day_start(dt.date(2026, 11, 15))


@pytest.mark.parametrize(
    ("returned", "lines", "ratio", "percent"),
    [
        (0, 0, Fraction(1, 20), 100),
        (1, 1, Fraction(2, 21), 100),
        (0, 4, Fraction(1, 24), 100),
        (0, 5, Fraction(1, 25), 120),
        (0, 10, Fraction(1, 30), 120),
        (0, 13, Fraction(1, 33), 120),
        (0, 14, Fraction(1, 34), 130),
        (2, 10, Fraction(1, 10), 110),
        (3, 10, Fraction(4, 30), 100),
        (5, 10, Fraction(1, 5), 100),
        (30, 100, Fraction(31, 120), 100),
        (35, 100, Fraction(3, 10), 100),
        (36, 100, Fraction(37, 120), 0),
    ],
)
def test_the_vectors_of_f2(returned, lines, ratio, percent):
    policy = conducts.a_policy()
    judged = Conduct(returned, lines)
    assert (policy.ratio(judged), policy.percent(judged)) == (ratio, percent)


@pytest.mark.parametrize(
    ("returned", "cash", "percent"), [(0, 1000_00, 120), (200_00, 1000_00, 110), (201_00, 1000_00, 100)]
)
def test_by_amount_a_line_weighs_what_it_cost(returned, cash, percent):
    """Ten lines: a fifth of the money is as good as two of them, exactly .10."""
    policy = conducts.a_policy(basis=CoefficientPolicy.Basis.AMOUNT)
    assert policy.percent(Conduct(9, 10, returned, cash)) == percent


def test_by_amount_lines_without_a_price_count_the_same():
    policy = conducts.a_policy(basis=CoefficientPolicy.Basis.AMOUNT)
    assert policy.ratio(Conduct(2, 10)) == Fraction(1, 10)


def test_huge_amounts_are_compared_exactly():
    policy = conducts.a_policy(basis=CoefficientPolicy.Basis.AMOUNT)
    cash = 10**15
    assert policy.percent(Conduct(1, 10, cash // 5, cash)) == 110
    assert policy.percent(Conduct(1, 10, cash // 5 + 1, cash)) == 100


@pytest.mark.parametrize(
    ("score", "percent"), [(None, 100), (0, 0), (29, 0), (30, 100), (79, 100), (80, 120), (999, 120)]
)
def test_a_credit_score_is_looked_up_in_the_bands(score, percent):
    policy = conducts.a_credit_policy()
    assert policy.percent(Conduct(score=score)) == percent


@pytest.mark.parametrize(
    ("source", "bands"),
    [
        ("return_ratio", []),
        ("return_ratio", [(30, None, 130), (100, None, 100)]),
        ("return_ratio", [(30, None, 100), (100, None, 130), (None, None, 0)]),
        ("return_ratio", [(None, 50, 130), (None, None, 0)]),
        ("credit_score", [(30, None, 130), (None, None, 0)]),
        ("credit_score", [(None, 30, 130), (None, 50, 100), (None, None, 0)]),
        ("return_ratio", [(30, None, 130), (None, None, 100), (None, None, 0)]),
    ],
)
def test_bands_that_make_no_sense_cannot_be_published(source, bands):
    policy = CoefficientPolicy.objects.create(drafted_at=stage.NOON, source=source)
    for up_to, score, percent in bands:
        CoefficientBand.objects.create(policy=policy, up_to_permille=up_to, from_score=score, percent=percent)
    assert policy.faults()


def test_the_default_bands_make_sense():
    assert conducts.a_policy().faults() == []
    assert conducts.a_credit_policy().faults() == []


def judge(name: str = "alice", at: dt.datetime = DECEMBER, **values) -> Conduct:
    policy = CoefficientPolicy.objects.first() or conducts.a_policy(**values)
    member = Member.objects.get(external_id=name)
    (verdict,) = conduct.verdicts(policy, [member.pk], conduct.rated_at(at), at)
    return verdict.conduct


@pytest.mark.parametrize(
    ("reason", "counts"),
    [
        (Refund.Reason.NO_REASON, 1),
        (Refund.Reason.REFUSED, 1),
        (Refund.Reason.EXCHANGE, 1),
        (Refund.Reason.DEFECT, 0),
        (Refund.Reason.SELLER_FAULT, 0),
        (Refund.Reason.PRICE_PROTECTION, 0),
        (Refund.Reason.CANCELLED, 0),
    ],
)
def test_only_causeless_returns_count(reason, counts):
    order = conducts.an_order("alice", NOVEMBER, lines=3)
    conducts.give_back(order, 1, reason=reason)
    assert judge() == Conduct(counts, 3, counts * 100_00, 300_00)


def test_a_line_that_comes_back_twice_counts_once():
    order = conducts.an_order("alice", NOVEMBER, lines=2)
    conducts.give_back(order, 1, code="f-1")
    conducts.give_back(order, 1, code="f-2", reason=Refund.Reason.EXCHANGE)
    DeliveryRefusal.objects.create(member=order.member, order=order, day=clock.local_date(NOVEMBER), at=NOVEMBER)
    assert judge().returned == 2, "the refusal is of both lines, the refunds are of one of them"


def test_a_refused_delivery_counts_with_all_its_lines_though_the_order_never_completed():
    order = conducts.an_order("alice", NOVEMBER, lines=2, completed=False)
    assert judge() == Conduct()
    DeliveryRefusal.objects.create(member=order.member, order=order, day=clock.local_date(NOVEMBER), at=NOVEMBER)
    assert judge() == Conduct(2, 2, 200_00, 200_00)


def test_an_order_given_back_as_refused_before_it_completed_counts():
    order = conducts.an_order("alice", NOVEMBER, lines=2, completed=False)
    conducts.give_back(order, 2, reason=Refund.Reason.REFUSED)
    assert judge()[:2] == (2, 2)


def test_the_window_is_twelve_whole_months_before_the_month():
    first = clock.day_start(dt.date(2025, 12, 1))
    conducts.an_order("alice", first - dt.timedelta(microseconds=1))
    conducts.an_order("alice", first)
    conducts.an_order("alice", DECEMBER - dt.timedelta(microseconds=1))
    conducts.an_order("alice", DECEMBER)
    assert judge().lines == 2
    assert judge(at=DECEMBER + dt.timedelta(days=20)).lines == 2, "within the month nothing moves"


def test_what_a_merged_member_did_the_other_has_done():
    order = conducts.an_order("bob", NOVEMBER, lines=2)
    conducts.give_back(order, 1)
    conducts.an_order("alice", NOVEMBER)
    alice = Member.objects.get(external_id="alice")
    Member.objects.filter(external_id="bob").update(status="merged", merged_into=alice)
    assert judge() == Conduct(1, 3, 100_00, 300_00)


def test_orders_of_others_do_not_count():
    conducts.give_back(conducts.an_order("bob", NOVEMBER), 1)
    conducts.an_order("alice", NOVEMBER)
    assert judge() == Conduct(0, 1, 0, 100_00)


def test_the_newest_credit_score_counts():
    alice = conducts.member("alice")
    for days, score in ((3, 20), (1, 85), (2, 50)):
        CreditScore.objects.create(member=alice, score=score, at=DECEMBER - dt.timedelta(days=days))
    CreditScore.objects.create(member=alice, score=1, at=DECEMBER + dt.timedelta(days=1))
    conducts.a_credit_policy()
    assert judge() == Conduct(score=85)


def test_evidence_names_the_lines_that_came_back():
    conducts.a_policy()
    order = conducts.an_order("alice", NOVEMBER, lines=3)
    conducts.give_back(order, 2)
    evidence = conduct.evidence(order.member, DECEMBER)
    assert [line.number for line in evidence.lines] == ["2", "1"]
    assert evidence.held == evidence.lines
    assert (evidence.verdict.present, evidence.verdict.deserved, evidence.ratio) == (100, 100, Fraction(3, 23))
    assert (evidence.first_day, evidence.end_day) == (dt.date(2025, 12, 1), dt.date(2026, 12, 1))


def test_evidence_costs_the_same_for_many_lines(django_assert_max_num_queries):
    conducts.a_policy()
    member = conducts.give_back(conducts.an_order("alice", NOVEMBER, lines=40), 30).order.member
    with django_assert_max_num_queries(15):
        evidence = conduct.evidence(member, DECEMBER)
        reasons = {refund.refund.reason for line in evidence.lines for refund in line.refund_lines.all()}
    assert (len(evidence.lines), reasons) == (30, {"no_reason"})


def test_without_a_policy_there_is_no_evidence_and_everybody_is_neutral():
    evidence = conduct.evidence(conducts.member("alice"), DECEMBER)
    assert (evidence.policy, evidence.verdict.present, evidence.lines, evidence.ratio) == (None, 100, [], None)


def test_the_outlook_counts_who_would_move_where():
    policy = conducts.a_policy()
    conducts.an_order("alice", NOVEMBER, lines=10)
    conducts.give_back(conducts.an_order("bob", NOVEMBER, lines=30), 30)
    conducts.member("charlie")
    outlook = conduct.outlook(policy, DECEMBER)
    assert outlook.moves == {(100, 120): 1, (100, 0): 1, (100, 100): 1}
    assert (outlook.looked_at, outlook.members, outlook.to_nothing) == (3, 3, 1)
    assert [verdict.member_id for verdict in outlook.accused] == [conducts.member("bob").pk]


def test_many_members_are_sampled(monkeypatch):
    monkeypatch.setattr(conduct, "_PREVIEWED", 5)
    policy = conducts.a_policy()
    for number in range(20):
        conducts.member(f"m-{number}")
    outlook = conduct.outlook(policy, DECEMBER)
    assert (outlook.looked_at, outlook.members) == (5, 20)


def test_judging_costs_the_same_for_many_members(django_assert_num_queries):
    policy = conducts.a_policy()
    members = [conducts.an_order(f"m-{number}", NOVEMBER).member_id for number in range(30)]
    for few in (members[:2], members):
        policy = conduct.policy_at(DECEMBER)
        with django_assert_num_queries(6):
            assert len(conduct.verdicts(policy, few, DECEMBER, DECEMBER)) == len(few)


def test_the_sums_are_of_the_lines(db):
    """Two orders of several lines at several prices."""
    order = conducts.an_order("alice", NOVEMBER, lines=3)
    OrderLine.objects.filter(order=order, number="1").update(cash=5)
    conducts.give_back(order, 1)
    assert RefundLine.objects.count() == 1
    assert judge() == Conduct(1, 3, 5, 200_05)
