"""Risk rules are drafted, tried, put in force by a second person, and ended; and what a draft would do is told before."""

import pytest

from common.models import AuditEntry
from common.problems import InvalidInput
from members.models import RiskRule, RiskRuleVersion
from members.services import risk_presets, risk_previews, risk_rules
from members.tests.risk import DAY, MINUTE, NOON, draft, in_force, passes, person

pytestmark = pytest.mark.django_db


def test_the_author_cannot_put_a_rule_in_force():
    with pytest.raises(risk_rules.SecondPersonNeeded):
        risk_rules.activate(draft(), person("olivia"), NOON)


def test_the_author_may_try_it_in_shadow_and_a_colleague_puts_it_in_force():
    version = risk_rules.watch(draft(), person("olivia"), NOON - DAY)
    assert version.mode == "shadow"
    version = risk_rules.activate(version, person("rita"), NOON)
    assert (version.mode, version.effective_from) == ("active", NOON)
    assert list(AuditEntry.objects.values_list("action", flat=True)) == [
        "members.risk_rules.activate", "members.risk_rules.watch",
    ]  # fmt: skip


def test_what_runs_is_not_put_in_force_again():
    with pytest.raises(risk_rules.NotADraft):
        risk_rules.activate(in_force(), person("rita"), NOON)
    with pytest.raises(risk_rules.NotADraft):
        risk_rules.watch(in_force(), person("rita"), NOON)


def test_a_rule_that_ended_meets_nobody_and_ends_once(alice):
    version = in_force(limit=0)
    assert not passes(at=NOON)
    risk_rules.retire(version, person("rita"), NOON + MINUTE)
    assert passes(at=NOON + 2 * MINUTE)
    ended = risk_rules.retire(version, person("rita"), NOON + DAY)
    assert ended.effective_until == NOON + MINUTE


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "return", "outcome": "refuse"},
        {"action": "transfer", "outcome": "review"},
        {"outcome": "block"},
        {"outcome": "block", "block_days": 3, "block_actions": ["return"]},
        {"block_days": 3},
        {"action": "play", "counter": "order"},
        {"action": "play", "counter": "pair"},
        {"reason_zh": ""},
    ],
)
def test_what_makes_no_sense_cannot_run(wrong):
    values = {
        "rule": RiskRule(),
        "action": "redemption",
        "reason_en": "x",
        "reason_zh": "x",
        "created_at": NOON,
    } | wrong
    assert RiskRuleVersion(**values).faults()


def test_a_draft_with_faults_is_refused_with_the_reason():
    with pytest.raises(InvalidInput, match="other side"):
        risk_rules.activate(draft("play", counter="pair"), person("rita"), NOON)


def test_the_presets_are_whole_and_are_drafted_once():
    made = risk_presets.install(person("olivia").staff, NOON)
    assert len(made) == len(risk_presets.PRESETS)
    assert [version.faults() for version in made] == [[]] * len(made)
    assert risk_presets.install(person("olivia").staff, NOON) == []


def test_a_preview_replays_the_counters_with_the_limit_of_the_draft(alice, bob):
    in_force(limit=100)
    for n in range(6):
        passes("alice", NOON + n * MINUTE)
    passes("bob", NOON)
    preview = risk_previews.of(draft(limit=4, window=60), NOON + DAY)
    assert (preview.attempts, preview.met, preview.examples, preview.seen) == (7, 2, [("alice", 2)], None)


def test_a_preview_looks_back_thirty_days_and_no_further(alice):
    in_force(limit=100, at=NOON - 40 * DAY)
    passes(at=NOON - 31 * DAY)
    passes(at=NOON - 29 * DAY)
    assert risk_previews.of(draft(limit=0), NOON).attempts == 1


def test_a_shadow_tells_what_it_really_met(alice):
    version = risk_rules.watch(draft(limit=1), person("olivia"), NOON - DAY)
    assert [passes(at=NOON + n * MINUTE) for n in range(3)] == [True] * 3
    preview = risk_previews.of(version, NOON + DAY)
    assert (preview.attempts, preview.met, preview.seen) == (3, 2, 2)
