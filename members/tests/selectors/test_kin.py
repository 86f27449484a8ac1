import pytest
from django.utils import timezone

from members.models import Member
from members.selectors import kin

pytestmark = pytest.mark.django_db


@pytest.fixture
def names():
    """a → b → c, d alone."""
    made = {name: Member.objects.create(external_id=name, registered_at=timezone.now()) for name in "cbad"}
    for source, target in ("ab", "bc"):
        Member.objects.filter(external_id=source).update(status="merged", merged_into=made[target])
    return {name: member.pk for name, member in made.items()}


def test_a_person_is_all_who_were_merged_into_her_at_any_time(names):
    assert set(kin.ids(names["c"])) == {names[name] for name in "abc"}
    assert set(kin.ids(names["a"])) == {names["a"]}
    assert Member.objects.filter(pk__in=kin.ids(names["c"])).count() == 3


def test_who_stands_for_whom_is_found_over_every_merge(names):
    found = kin.heirs([names["c"], names["d"]])
    assert found == {names[name]: names["c"] for name in "abc"} | {names["d"]: names["d"]}
