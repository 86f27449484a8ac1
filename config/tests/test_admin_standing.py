"""What operators do about standing: policies in editions, the pyramid, previews, reviews, tiers set by hand."""

import datetime as dt

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from common import clock
from common.models import AuditEntry
from config.tests import sample
from loyalty.models import GrowthEntry, GrowthPolicy, Ladder, Programme, Rung, Standing, TierChange
from loyalty.services import tiers
from loyalty.tests import stage
from members.models import Member

pytestmark = pytest.mark.django_db

NOW = timezone.now()
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _forget_forecasts():
    cache.clear()


@pytest.fixture
def house(db):
    """JD's ladder since long ago; Alice 12,000 (gold), Bob 2,500 (silver), Charlie 150 (bronze), grown 300 days ago."""
    ladder = stage.a_ladder()
    stage.a_growth_policy()
    for name, growth in {"alice": 12_000, "bob": 2_500, "charlie": 150}.items():
        stage.send("order.completed", name, NOW - 300 * DAY, **stage.order(f"{name}-1", stage.line(1, growth * 100)))
    return ladder


def sign_in(client, name: str, *its_roles: str, **more):
    person = sample.staff(name, *its_roles, **more)
    client.force_login(person)
    return person


def a_draft(author=None, **thresholds) -> Ladder:
    """A draft of JD's ladder with other thresholds."""
    draft = Ladder.objects.create(drafted_by=author, drafted_at=NOW)
    for rung in Rung.objects.filter(ladder__status="published").select_related("tier"):
        rung.pk, rung._state.adding, rung.ladder = None, True, draft
        rung.threshold = thresholds.get(rung.tier.code, rung.threshold)
        rung.save()
    return draft


def text(answer) -> str:
    return answer.content.decode()


def publish(client, draft, **data):
    address = reverse("admin:loyalty_ladder_publish", args=[draft.pk])
    return client.post(address, {"seen": draft.drafted_at.isoformat(), **data}, follow=True)


# Editions ---------------------------------------------------------------------------------------------------


def test_a_second_person_puts_a_draft_in_force_after_seeing_what_changes(client, house):
    draft = a_draft(sample.staff("olivia", "operations"), gold=8_000)
    felix = sign_in(client, "felix", "finance")
    asked = text(client.get(reverse("admin:loyalty_ladder_publish", args=[draft.pk])))
    assert "from 10,000 growth, −4,000 at each review, 1 year → <strong>from 8,000 growth" in asked
    assert "Silver" not in asked, "what does not change is not shown"
    assert reverse("admin:loyalty_ladder_forecast", args=[draft.pk]) in asked
    publish(client, draft)
    draft.refresh_from_db()
    assert (draft.status, draft.published_by) == ("published", felix)
    assert Ladder.objects.in_force(timezone.now()).first() == draft
    assert AuditEntry.objects.filter(action="loyalty.ladder.publish", actor=felix).exists()


def test_a_draft_may_be_put_in_force_from_a_later_day_on(client, house):
    draft = a_draft(gold=8_000)
    sign_in(client, "felix", "finance")
    publish(client, draft, effective_at="2040-01-01T00:00")
    draft.refresh_from_db()
    assert clock.local(draft.effective_at).date() == dt.date(2040, 1, 1)
    assert Ladder.objects.in_force(timezone.now()).first() == house
    assert "In force from 1 Jan 2040" in text(client.get(reverse("admin:loyalty_ladder_changelist")))


def test_nothing_is_put_in_force_from_a_day_that_has_passed(client, house):
    draft = a_draft(gold=8_000)
    sign_in(client, "felix", "finance")
    assert "only be in force from now on" in text(publish(client, draft, effective_at="2020-01-01T00:00"))
    draft.refresh_from_db()
    assert draft.is_draft


def test_the_author_does_not_put_the_own_draft_in_force(client, house):
    root = sign_in(client, "root", is_superuser=True)
    draft = a_draft(root)
    assert "Somebody else has to put this in force" in text(publish(client, draft))
    draft.refresh_from_db()
    assert draft.is_draft


@pytest.mark.parametrize("role", ["operations", "risk", "support"])
def test_who_is_not_of_finance_puts_no_policy_in_force(client, house, role):
    draft, policy = a_draft(), GrowthPolicy.objects.create(drafted_at=NOW)
    sign_in(client, "somebody", role)
    assert publish(client, draft).status_code == 403
    address = reverse("admin:loyalty_growthpolicy_publish", args=[policy.pk])
    assert client.post(address, {"seen": NOW.isoformat()}).status_code == 403
    draft.refresh_from_db()
    policy.refresh_from_db()
    assert (draft.status, policy.status) == ("draft", "draft")


def test_a_draft_that_changed_meanwhile_is_shown_again(client, house):
    draft = a_draft(gold=8_000)
    sign_in(client, "felix", "finance")
    Ladder.objects.filter(pk=draft.pk).update(drafted_at=NOW + DAY)
    assert "has changed meanwhile" in text(publish(client, draft))
    draft.refresh_from_db()
    assert draft.is_draft


def test_a_ladder_that_does_not_rise_is_not_put_in_force(client, house):
    draft = a_draft(gold=1_000)
    sign_in(client, "felix", "finance")
    assert "Gold must not have a lower threshold than Silver." in text(publish(client, draft))
    draft.refresh_from_db()
    assert draft.is_draft


def test_what_is_in_force_is_neither_changed_nor_deleted(client, house):
    sign_in(client, "root", is_superuser=True)
    for verb in ("change", "delete"):
        address = reverse(f"admin:loyalty_ladder_{verb}", args=[house.pk])
        assert client.post(address, {"post": "yes"}).status_code == 403
    assert "Put in force" not in text(client.get(reverse("admin:loyalty_ladder_change", args=[house.pk])))


def test_operations_copies_what_is_in_force_into_a_draft_and_edits_it_in_money(client, house):
    olivia = sign_in(client, "olivia", "operations")
    client.post(reverse("admin:loyalty_ladder_draft_from", args=[house.pk]))
    draft = Ladder.objects.get(status="draft")
    assert (draft.drafted_by, draft.rungs.count()) == (olivia, 5)
    form = ladder_form(draft)
    form["rungs-4-benefit_cost"] = "600.00"
    form["rungs-3-threshold"] = "8000"
    client.post(reverse("admin:loyalty_ladder_change", args=[draft.pk]), form)
    assert draft.rungs.get(tier__code="diamond").benefit_cost == 600_00
    assert draft.rungs.get(tier__code="gold").threshold == 8_000
    assert house.rungs.get(tier__code="gold").threshold == 10_000


def test_who_edits_a_draft_becomes_its_author(client, house):
    draft = a_draft(sample.staff("felix", "finance"))
    olivia = sign_in(client, "olivia", "operations")
    client.post(reverse("admin:loyalty_ladder_change", args=[draft.pk]), ladder_form(draft))
    draft.refresh_from_db()
    assert draft.drafted_by == olivia


def test_the_form_says_in_words_what_it_means_while_it_is_filled_in(client, house):
    draft = a_draft()
    sign_in(client, "olivia", "operations")
    form = ladder_form(draft) | {"decay": "half_life", "half_life_days": "100"}
    said = text(client.post(reverse("admin:loyalty_ladder_preview", args=[draft.pk]), form))
    assert "Growth halves in 100 days." in said
    page = text(client.get(reverse("admin:loyalty_ladder_change", args=[draft.pk])))
    assert "Diamond for 1 year, Gold for 3 years, Silver for 7 years, then Bronze" in page


def test_a_ladder_by_rank_says_when_its_lines_are_drawn_and_nothing_of_reviews(client, house):
    draft = a_draft()
    sign_in(client, "olivia", "operations")
    form = ladder_form(draft) | {"line": "share", "rungs-4-share_permille": "10"}
    said = text(client.post(reverse("admin:loyalty_ladder_preview", args=[draft.pk]), form))
    assert "On the first of each month members are ranked by growth" in said
    assert "the best 10 ‰" in said
    assert "review" not in said.replace("there are no reviews", "")


def test_what_is_in_force_is_said_in_words_without_a_form(client, house):
    sign_in(client, "rita", "risk")
    page = text(client.get(reverse("admin:loyalty_ladder_change", args=[house.pk])))
    assert "from 30,000 growth, −10,000 at each review" in page
    assert "half_life" not in page, "no script asks for fields that are not there"


def test_a_settled_growth_policy_shows_money_as_money(client, house):
    sign_in(client, "rita", "risk")
    policy = GrowthPolicy.objects.get()
    page = text(client.get(reverse("admin:loyalty_growthpolicy_change", args=[policy.pk])))
    assert "20.00 CNY" in page
    assert "2000" not in page


def ladder_form(ladder: Ladder) -> dict:
    """What the browser sends for a ladder as it is."""
    names = [
        "note", "decay", "line", "applies", "window_months", "period_months", "carry_percent", "half_life_days",
        "hysteresis_percent", "grace_days", "provisional_days", "warn_days",
    ]  # fmt: skip
    form = {name: getattr(ladder, name) for name in names}
    rungs = list(ladder.rungs.all())
    form |= {"rungs-TOTAL_FORMS": len(rungs), "rungs-INITIAL_FORMS": len(rungs)}
    for number, rung in enumerate(rungs):
        values = {
            "id": rung.pk,
            "ladder": ladder.pk,
            "tier": rung.tier_id,
            "threshold": rung.threshold,
            "deduction": rung.deduction,
            "validity_months": rung.validity_months or "",
            "benefit_cost": "0.00",
            **({"needs_order": "on"} if rung.needs_order else {}),
        }
        form |= {f"rungs-{number}-{name}": value for name, value in values.items()}
    return form


# The pyramid and the preview --------------------------------------------------------------------------------


def test_the_console_shows_the_pyramid_and_says_where_it_is_none(client, house):
    sign_in(client, "olivia", "operations")
    assert "This is not a pyramid." not in text(client.get(reverse("admin:loyalty_pyramidday_changelist")))
    stage.send("order.completed", "dora", NOW - 3 * DAY, **stage.order("d-1", stage.line(1, 2_500_00)))
    page = text(client.get(reverse("admin:loyalty_pyramidday_changelist")))
    assert "4 members today" in page
    assert "Silver has more members than Bronze below it." in page
    assert "Spend and points are counted at night." in page


def test_spend_by_tier_is_counted_on_demand_by_who_may_run_jobs(client, house):
    stage.send("order.completed", "bob", NOW - 3 * DAY, **stage.order("b-2", stage.line(1, 77_00)))
    sign_in(client, "rita", "risk")
    assert client.post(reverse("admin:loyalty_pyramidday_count")).status_code == 403
    sign_in(client, "olivia", "operations")
    page = text(client.post(reverse("admin:loyalty_pyramidday_count"), follow=True))
    # Bob, silver: 2,500.00 + 77.00.
    assert "2,577.00 CNY" in page
    assert "12,000.00 CNY" in page


def test_the_preview_of_a_draft_says_who_goes_where(client, house):
    draft = a_draft(silver=100, gold=2_500)
    sign_in(client, "olivia", "operations")
    page = text(client.get(reverse("admin:loyalty_ladder_forecast", args=[draft.pk]), follow=True))
    assert "On the day it comes into force: rising 2, falling 0." in page
    # Reviewed with nobody growing: Alice keeps gold with 8,000; Bob (2,500 − 4,000) and Charlie (150 − 1,000) are bronze.
    assert "higher than today 0, lower 1." in page
    assert Standing.objects.filter(tier__code="silver").count() == 1, "nothing is saved"
    assert "+9,500.00" in page, "Alice has so much more than gold will ask for"


def test_a_draft_that_is_no_ladder_has_no_preview(client, house):
    draft = a_draft(gold=1)
    sign_in(client, "olivia", "operations")
    page = text(client.get(reverse("admin:loyalty_ladder_forecast", args=[draft.pk]), follow=True))
    assert "Gold must not have a lower threshold than Silver." in page


def test_a_changed_draft_gets_a_new_preview(client, house):
    draft = a_draft()
    sign_in(client, "olivia", "operations")
    address = reverse("admin:loyalty_ladder_forecast", args=[draft.pk])
    assert "rising 0, falling 0" in text(client.get(address, follow=True))
    form = ladder_form(draft) | {"rungs-3-threshold": "2500"}
    client.post(reverse("admin:loyalty_ladder_change", args=[draft.pk]), form)
    assert "rising 1, falling 0" in text(client.get(address, follow=True))


def test_the_ladder_in_force_shows_what_the_year_brings(client, house):
    sign_in(client, "olivia", "operations")
    page = text(client.get(reverse("admin:loyalty_ladder_forecast", args=[house.pk]), follow=True))
    assert "what comes if nothing changes" in page


@pytest.mark.parametrize("name", ["loyalty_pyramidday_changelist", "loyalty_standing_next_review"])
def test_the_console_costs_the_same_for_few_members_and_for_many(client, house, name):
    sign_in(client, "root", is_superuser=True)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse(f"admin:{name}"), {"until": "2040-01-01"}, follow=True).status_code == 200
        return len(queries)

    cost()
    few = cost()
    for number in range(30):
        stage.send(
            "order.completed", f"m-{number}", NOW - 300 * DAY, **stage.order(f"m-{number}", stage.line(1, 210_000))
        )
    assert cost() <= few


# Reviews ----------------------------------------------------------------------------------------------------


def test_the_next_review_is_listed_before_it_happens(client, house):
    sign_in(client, "olivia", "operations")
    until = (NOW + 100 * DAY).date().isoformat()
    address = reverse("admin:loyalty_standing_next_review")
    page = text(client.get(address, {"until": until}, follow=True))
    assert "−4,000.00" in page
    assert "alice" in page
    assert "bob" in page
    assert "charlie" not in page, "bronze is for ever"
    falls = text(client.get(address, {"until": until, "outcome": "down"}, follow=True))
    # Alice: 12,000 − 4,000 is silver; Bob: 2,500 − 1,000 is bronze.
    assert "alice" in falls
    kept = text(client.get(address, {"until": until, "outcome": "kept"}, follow=True))
    assert "alice" not in kept
    assert "Nobody is due" in text(client.get(address, follow=True))


def test_the_next_review_comes_as_a_file(client, house):
    Member.objects.filter(external_id="bob").update(external_id="=bob")
    sign_in(client, "olivia", "operations")
    query = {"until": (NOW + 100 * DAY).date().isoformat(), "csv": "1"}
    answer = client.get(reverse("admin:loyalty_standing_next_review"), query, follow=True)
    lines = b"".join(answer.streaming_content).decode().splitlines()
    day = clock.local_date(Standing.objects.get(member__external_id="alice").tier_until)
    assert lines[1] == f"alice,{day},gold,silver,down,12000.00,8000.00"
    assert lines[2].startswith("'=bob,")


def test_only_finance_approves_and_then_the_reviews_are_done(client, house):
    Programme.objects.update(review_needs_approval=True)
    Standing.objects.filter(member__external_id="alice").update(tier_until=NOW - DAY, due_at=NOW - DAY)
    tiers.review(NOW, NOW)
    assert stage.standing("alice").tier.code == "gold", "nothing is done before somebody agrees"
    address = reverse("admin:loyalty_standing_next_review")
    today = clock.local_date(NOW).isoformat()
    sign_in(client, "olivia", "operations")
    assert client.post(address, {"until": today}).status_code == 403
    felix = sign_in(client, "felix", "finance")
    assert "Approve" in text(client.get(address, {"until": today}))
    page = text(client.post(address, {"until": today}, follow=True))
    assert "Members reviewed: 1." in page
    assert stage.standing("alice").tier.code == "silver"
    assert AuditEntry.objects.filter(action="loyalty.approvals.approve", actor=felix).exists()


# By hand, and the member's page -------------------------------------------------------------------------------


def test_finance_sets_a_tier_by_hand_and_ends_it(client, house):
    felix = sign_in(client, "felix", "finance")
    charlie = stage.standing("charlie")
    diamond = house.rungs.get(tier__code="diamond").tier
    address = reverse("admin:loyalty_standing_set_tier", args=[charlie.pk])
    data = {"tier": diamond.pk, "until_on": (NOW + 30 * DAY).date().isoformat(), "note": "An ambassador"}
    page = text(client.post(address, data, follow=True))
    assert "An ambassador" in page
    assert "End the tier set by hand" in page
    assert stage.standing("charlie").tier == diamond
    assert TierChange.objects.filter(decided_by=felix, reason="override").count() == 1
    lift = reverse("admin:loyalty_standing_lift", args=[charlie.pk])
    client.post(lift, {"note": "No longer"})
    assert stage.standing("charlie").tier.code == "bronze"
    assert client.get(lift).status_code == 403, "nothing is left to end"


@pytest.mark.parametrize("changes", [{"note": ""}, {"until_on": "2020-01-01"}, {"tier": "999"}])
def test_a_tier_by_hand_without_reason_end_or_rung_is_refused(client, house, changes):
    sign_in(client, "felix", "finance")
    charlie = stage.standing("charlie")
    data = {"tier": house.rungs.last().tier_id, "until_on": "2040-01-01", "note": "Because"} | changes
    client.post(reverse("admin:loyalty_standing_set_tier", args=[charlie.pk]), data)
    assert stage.standing("charlie").tier.code == "bronze"


@pytest.mark.parametrize("role", ["operations", "risk", "support"])
def test_nobody_else_sets_a_tier_by_hand(client, house, role):
    sign_in(client, "somebody", role)
    charlie = stage.standing("charlie")
    assert client.get(reverse("admin:loyalty_standing_set_tier", args=[charlie.pk])).status_code == 403
    assert "Set tier by hand" not in text(client.get(reverse("admin:members_member_change", args=[charlie.pk])))


def test_a_members_page_shows_standing_growth_and_what_comes(client, house):
    sign_in(client, "sue", "support")
    page = text(client.get(reverse("admin:members_member_change", args=[stage.standing("alice").pk])))
    assert "18,000 growth to Diamond." in page
    assert "takes 4,000 and leaves 8,000" in page
    assert "falls to Silver" in page
    assert "12,000 × 1.00" in page
    assert "Growth reached the threshold" in page


def test_standings_are_found_by_what_is_out_of_the_ordinary(client, house):
    Standing.objects.filter(member__external_id="bob").update(in_grace=True)
    sign_in(client, "olivia", "operations")
    page = text(client.get(reverse("admin:loyalty_standing_changelist"), {"situation": "grace"}))
    assert "bob" in page
    assert "alice" not in page
    entry = GrowthEntry.objects.get(member__external_id="bob")
    assert "2,500.00" in text(client.get(reverse("admin:loyalty_growthentry_change", args=[entry.pk])))
