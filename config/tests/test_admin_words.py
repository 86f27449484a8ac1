"""What operators read instead of codes: names of jobs and counts, money, periods; in English and in Chinese."""

import importlib
import pkgutil
import re

import pytest
from django.contrib import admin
from django.utils import translation

import loyalty.services
import members.services
import merchants.selectors
import merchants.services
import rewards.services
from common import money
from common.admin import jobs
from loyalty.admin.jobs import COUNTED as OF_LOYALTY
from members.admin.jobs import COUNTED as OF_MEMBERS
from merchants.admin.jobs import COUNTED as OF_MERCHANTS
from rewards.admin import benefit_words
from rewards.admin.jobs import COUNTED as OF_REWARDS
from rewards.models import Play

CHINESE = re.compile(r"^[\u4e00-\u9fff（）：]+$")


@pytest.fixture(autouse=True)
def english():
    """Whatever language the page before spoke."""
    with translation.override("en"):
        yield


def named_jobs():
    """The name of every nightly job of the floors above common."""
    for package in (loyalty.services, members.services, merchants.selectors, merchants.services, rewards.services):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            job = getattr(importlib.import_module(module.name), "JOB", None)
            if job is not None:
                yield job


@pytest.mark.parametrize("job", sorted(set(named_jobs())))
def test_no_job_is_called_by_its_code(job):
    assert jobs.title(job) != job
    with translation.override("zh-hans"):
        assert "-" not in jobs.title(job)


def test_what_a_run_counted_is_said_in_chinese():
    with translation.override("zh-hans"):
        for name in (*OF_LOYALTY, *OF_MEMBERS, *OF_MERCHANTS, *OF_REWARDS):
            assert CHINESE.match(jobs.say({name: 1}).removesuffix(" 1"))


def test_a_job_that_runs_for_one_thing_says_for_which_by_its_code_and_never_by_its_id():
    assert jobs.title("give-gifts-double-joy") == "A gift campaign gives: double-joy"
    assert jobs.title("send-merchant-message-7") == "A merchant's message is sent"
    assert jobs.title("undo-campaign-3473d639-6c32-4b0b-b73d-419fe90c34f9") == "A campaign is undone"
    assert jobs.title("unheard-of") == "unheard-of"


def test_a_count_of_one_thing_keeps_that_things_code():
    assert (
        jobs.say({"at-risk: entered": 1200, "life_cycles_changed": 3})
        == "at-risk: entered 1,200; life cycles changed 3"
    )


def test_a_filter_asks_in_words_and_keeps_its_counts(rf, admin_user, db):
    request = rf.get("/", {"_facets": "True"})
    request.user = admin_user
    plays = admin.site.get_model_admin(Play).get_changelist_instance(request)
    said = [str(choice["display"]) for choice in plays.filter_specs[-1].choices(plays)]
    assert said == ["All", "No prize (0)", "Won a prize (0)"]


def test_money_is_written_as_the_reader_writes_it():
    assert money.words(-6660_05) == "−6,660.05 CNY"
    with translation.override("zh-hans"):
        assert money.words(-6660_05) == "−6,660.05 元"


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ("2026-03-01", "1 Mar 2026"),
        ("2026-03", "Mar 2026"),
        ("2026-Q1", "2026-Q1"),
        ("2026", "2026"),
        ("term 2025-11-29T04:00:00+00:00", "term from 29 Nov 2025"),
        ("term ever", "the whole time"),
    ],
)
def test_a_period_of_a_quota_is_written_like_any_other_date(window, said):
    assert benefit_words.window(window) == said
