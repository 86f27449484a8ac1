"""What points, tiers, refusals and benefits are explained by: in force it never changes, whoever writes to the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone

from common.models.stands_fast import StandsFast
from config.tests import sample
from loyalty.models import GrowthPolicy, LifecyclePolicy
from loyalty.models.editions import Edition
from loyalty.services import rules
from loyalty.tests import conducts, ratings, stage
from members.tests import risk
from rewards.tests import perks

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]
NOW = timezone.now()


def published(kind: type[Edition]) -> Edition:
    return kind._default_manager.create(drafted_at=NOW, status="published", effective_at=NOW, published_at=NOW)


def a_score_policy():
    return ratings.a_policy(ratings.a_source("cash", 1, "consumption"), curves={"consumption": [(0, 0), (100, 80)]})


# A row in force, and a column with what somebody would rather read there.
ROWS: dict[str, tuple[Callable[[], models.Model], str, Any]] = {
    "rule": (sample.rule, "points", 999),
    "condition": (lambda: sample.rule().conditions.get(), "value", "yes"),
    "growth policy": (lambda: published(GrowthPolicy), "note", "Other"),
    "life-cycle policy": (lambda: published(LifecyclePolicy), "new_days", 7),
    "ladder": (lambda: sample.ladder(at=NOW), "note", "Other"),
    "rung": (lambda: sample.ladder(at=NOW).rungs.all()[0], "threshold", 7),
    "coefficient policy": (conducts.a_policy, "note", "Other"),
    "band": (lambda: conducts.a_policy().bands.all()[0], "percent", 7),
    "score policy": (a_score_policy, "note", "Other"),
    "dimension": (lambda: a_score_policy().dimensions.all()[0], "cap", 7),
    "corner": (lambda: a_score_policy().points.all()[0], "y", 7),
    "source": (lambda: a_score_policy().sources.all()[0], "value", 7),
    "risk rule": (risk.in_force, "limit", 999),
    "grant": (lambda: perks.grant(perks.benefit()), "quota", 999),
}


def refused(deed: Callable[[], Any]) -> None:
    with pytest.raises(IntegrityError, match="stands fast"), transaction.atomic():
        deed()


@pytest.mark.parametrize("kind", ROWS)
def test_what_is_in_force_is_neither_changed_nor_deleted_by_any_statement(kind):
    make, column, value = ROWS[kind]
    row = make()
    table, key = row._meta.db_table, row.pk
    with connection.cursor() as cursor:
        refused(lambda: cursor.execute(f'UPDATE {table} SET "{column}" = %s WHERE id = %s', [value, key]))
        refused(lambda: cursor.execute(f"DELETE FROM {table} WHERE id = %s", [key]))


def test_every_guard_is_asked_here():
    asked = {type(make()) for make, _column, _value in ROWS.values()}
    guarded = {
        model for model in apps.get_models() if any(isinstance(one, StandsFast) for one in model._meta.constraints)
    }
    assert guarded == asked


def test_a_fixture_changes_no_rule_in_force():
    version = sample.rule()
    version.points += 1
    (found,) = serializers.deserialize("python", serializers.serialize("python", [version]))
    refused(found.save)


def test_a_draft_is_edited_and_thrown_away():
    draft = sample.draft()
    draft.conditions.update(value="1")
    draft.conditions.get().delete()
    draft.delete()
    assert not draft.rule.versions.exists()


def test_a_condition_does_not_move_into_a_rule_in_force():
    condition, version = sample.draft().conditions.get(), sample.rule()
    condition.version = version
    refused(condition.save)


def test_a_rule_in_force_can_still_be_ended():
    version = sample.rule()
    ends = NOW + dt.timedelta(days=1)
    rules.retire(version, ends, stage.STAFF, NOW)
    version.refresh_from_db()
    assert version.effective_until == ends
