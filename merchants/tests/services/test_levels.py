"""Levels: one to five, changed once in 30 days from the next day, followed by night."""

from __future__ import annotations

import datetime as dt

import pytest

from common.models import Fact, JobRun
from common.problems import InvalidInput
from common.services import jobs
from loyalty.tests.stage import STAFF
from merchants.models import Card, CardEntry, Club, LevelScheme
from merchants.selectors import campaigns
from merchants.selectors import levels as selector
from merchants.services import cards, levels
from merchants.services.levels import Rung, Shift
from merchants.tests.shops import DAY, NOON, a_card, a_club, a_scheme

pytestmark = pytest.mark.django_db
RUNGS = [Rung("Base", 0), Rung("Gold", 100_00, 150)]
MIDNIGHT = dt.datetime(2026, 3, 1, 16, 0, tzinfo=dt.UTC)  # 2 March in Shanghai


def drafted(club: Club, rungs=RUNGS, basis="amount") -> LevelScheme:
    return levels.draft(club, basis, rungs, actor=STAFF, at=NOON)


class TestDrafting:
    @pytest.mark.parametrize(
        ("rungs", "pointer"),
        [
            ([], "/levels"),
            ([Rung("Base", 0), *[Rung(f"L{n}", n) for n in range(1, 6)]], "/levels"),
            ([Rung("Base", 1)], "/levels/0/threshold"),
            ([Rung("Base", 0), Rung("Gold", 0)], "/levels/1/threshold"),
            ([Rung("Base", 0), Rung("Gold", 200), Rung("Black", 200)], "/levels/2/threshold"),
            ([Rung("Base", 0), Rung("Golden", 200)], "/levels/1/name"),
            ([Rung("", 0)], "/levels/0/name"),
            ([Rung("Base", 0), Rung("Base", 200)], "/levels"),
        ],
    )
    def test_what_makes_no_levels_is_refused_with_the_place(self, rungs, pointer):
        with pytest.raises(InvalidInput) as refusal:
            drafted(a_club(), rungs)
        assert pointer in {error["pointer"] for error in refusal.value.errors}
        assert not LevelScheme.objects.exists()

    def test_a_club_has_one_draft_which_is_written_anew(self):
        club = a_club()
        first = drafted(club)
        again = drafted(club, [Rung("Solo", 0)])
        assert first.pk == again.pk
        assert [level.name for level in again.levels.all()] == ["Solo"]

    def test_the_preview_says_which_real_cards_rise_and_fall(self, django_assert_num_queries):
        club = a_club()
        for name, spent, level in (("alice", 50_00, 1), ("bob", 100_00, 1), ("dora", 20_00, 2), ("eve", 300_00, 2)):
            card = a_card(name, club)
            Card.objects.filter(pk=card.pk).update(spent=spent, level=level)
        cards.leave(a_card("gone", club), at=NOON)
        rungs = list(drafted(club).levels.all())
        with django_assert_num_queries(1):
            shifts = levels.preview(club, "amount", rungs)
        assert shifts == [Shift(1, 1, 1), Shift(1, 2, 1), Shift(2, 1, 1), Shift(2, 2, 1)]


class TestPublishing:
    def test_levels_are_in_force_from_the_next_local_day(self):
        club = a_club()
        scheme = levels.publish(drafted(club), actor=STAFF, at=NOON)
        assert scheme.effective_on == dt.date(2026, 3, 2)
        assert selector.in_force(club.pk, MIDNIGHT - dt.timedelta(seconds=1)) == []
        assert [level.name for level in selector.in_force(club.pk, MIDNIGHT)] == ["Base", "Gold"]

    def test_rules_change_once_in_thirty_days_and_the_refusal_says_when_next(self):
        club = a_club()
        levels.publish(drafted(club), actor=STAFF, at=NOON)
        second = drafted(club, [Rung("Solo", 0)])
        with pytest.raises(levels.LevelsChangedLately) as refusal:
            levels.publish(second, actor=STAFF, at=NOON + 29 * DAY)
        assert refusal.value.extra == {"next_on": "2026-03-31"}
        assert levels.publish(second, actor=STAFF, at=NOON + 30 * DAY).effective_on == dt.date(2026, 4, 1)

    def test_not_while_a_campaign_runs(self, monkeypatch):
        club = a_club()
        monkeypatch.setattr(campaigns, "running", lambda asked, at: asked == club)
        with pytest.raises(levels.CampaignRunning):
            levels.publish(drafted(club), actor=STAFF, at=NOON)
        assert LevelScheme.objects.get().status == "draft"

    def test_a_membership_that_never_opened_has_its_levels_at_once(self):
        club = a_club(status=Club.Status.DRAFT)
        levels.publish(drafted(club), actor=STAFF, at=NOON)
        levels.publish(drafted(club, [Rung("Solo", 0)]), actor=STAFF, at=NOON)
        assert [level.name for level in selector.in_force(club.pk, NOON)] == ["Solo"]

    def test_published_levels_are_not_published_again(self):
        scheme = levels.publish(drafted(a_club()), actor=STAFF, at=NOON)
        with pytest.raises(levels.NotADraft):
            levels.publish(scheme, actor=STAFF, at=NOON + 60 * DAY)


class TestTheNight:
    def test_cards_wait_for_the_day_of_new_levels_and_then_follow_at_once(self):
        club = a_club(levels=[("Base", 0, 100), ("Gold", 200_00, 100)])
        low, high = a_card("alice", club), a_card("bob", club)
        for card, spent in ((low, 100_00), (high, 200_00)):
            cards.post(card, CardEntry.Unit.SPENT, CardEntry.Kind.ORDER, spent, "order:1", NOON)
        levels.publish(
            drafted(club, [Rung("Base", 0), Rung("Gold", 100_00), Rung("Black", 150_00)]), actor=STAFF, at=NOON
        )
        assert levels.relevel(MIDNIGHT - DAY, NOON).counts == {"risen": 0, "fallen": 0}
        run = levels.relevel(MIDNIGHT, MIDNIGHT)
        assert run.counts == {"risen": 2, "fallen": 0}
        assert [Card.objects.get(pk=card.pk).level for card in (low, high)] == [2, 3]
        assert Fact.objects.filter(topic="card.level_changed", key="alice").get().payload["after"] == 2

    def test_a_card_falls_by_night_when_a_refund_took_what_it_stood_on(self):
        card = a_card(club=a_club(levels=[("Base", 0, 100), ("Gold", 100_00, 100)]))
        cards.post(card, CardEntry.Unit.SPENT, CardEntry.Kind.ORDER, 100_00, "order:1", NOON)
        cards.post(card, CardEntry.Unit.SPENT, CardEntry.Kind.REFUND, -1, "order:1/r", NOON)
        assert card.level == 2
        assert levels.relevel(MIDNIGHT, MIDNIGHT).counts == {"risen": 0, "fallen": 1}
        assert Card.objects.get().level == 1
        assert levels.relevel(MIDNIGHT + DAY, MIDNIGHT + DAY).counts == {"risen": 0, "fallen": 0}

    def test_each_club_goes_by_its_own_basis(self):
        by_amount = a_club("acme-1", levels=[("Base", 0, 100), ("Gold", 5, 100)])
        by_orders = a_club("acme-2", name="Orders")
        a_scheme(by_orders, [("Base", 0, 100), ("Often", 5, 100)], basis="orders")
        one, two = a_card("alice", by_amount), a_card("alice", by_orders)
        Card.objects.update(spent=5, orders=4)
        levels.relevel(MIDNIGHT, MIDNIGHT)
        assert [Card.objects.get(pk=card.pk).level for card in (one, two)] == [2, 1]

    def test_a_night_that_is_killed_goes_on_where_it_was(self, monkeypatch):
        monkeypatch.setattr(levels, "CARDS_PER_CHUNK", 2)
        club = a_club()
        for name in ("a", "b", "c", "d", "e"):
            a_card(name, club)
        Card.objects.update(spent=100_00)
        a_scheme(club, [("Base", 0, 100), ("Gold", 100_00, 100)])
        calls = []

        def dies(first, last, *args):
            calls.append(first)
            counts = original(first, last, *args)
            if len(calls) == 2:
                raise RuntimeError("killed")
            return counts

        original = levels._relevel_span
        monkeypatch.setattr(levels, "_relevel_span", dies)
        with pytest.raises(RuntimeError):
            levels.relevel(MIDNIGHT, MIDNIGHT)
        assert Card.objects.filter(level=2).count() == 2
        run = levels.relevel(MIDNIGHT, MIDNIGHT)
        assert (run.status, run.counts["risen"]) == (JobRun.Status.DONE, 5)
        assert Card.objects.filter(level=2).count() == 5
        assert Fact.objects.filter(topic="card.level_changed").count() == 5
        assert jobs.run(levels.JOB, MIDNIGHT, spans=list, work=dict, at=NOON).counts == run.counts

    def test_a_night_takes_a_fixed_number_of_queries(self, django_assert_max_num_queries):
        club = a_club()
        for number in range(30):
            a_card(f"m-{number}", club)
        Card.objects.update(spent=100_00)
        a_scheme(club, [("Base", 0, 100), ("Gold", 100_00, 100)])
        with django_assert_max_num_queries(8):
            levels._relevel_span(0, 10**9, MIDNIGHT, MIDNIGHT)
        assert Card.objects.filter(level=2).count() == 30
