import pytest
from django.utils import timezone

from members.models import Member
from members.selectors import kin, records

pytestmark = pytest.mark.django_db


@pytest.fixture
def names():
    """a → b → c → d → e, f → c; g alone."""
    made = {name: Member.objects.create(external_id=name, registered_at=timezone.now()) for name in "gfedcba"}
    for source, target in ("ab", "bc", "cd", "de", "fc"):
        Member.objects.filter(external_id=source).update(status="merged", merged_into=made[target])
    return {name: member.pk for name, member in made.items()}


def pks(names, wanted):
    return {names[name] for name in wanted}


def test_a_person_is_all_who_were_merged_into_her_over_every_merge(names, django_assert_num_queries):
    with django_assert_num_queries(3):
        assert set(kin.ids(names["e"])) == pks(names, "abcdef")
        assert Member.objects.filter(pk__in=kin.ids(names["c"])).count() == 4
        assert set(kin.ids(names["a"])) == pks(names, "a")
    e = Member.objects.get(pk=names["e"])
    assert {member.pk for member in records.same_person(e)} == pks(names, "abcdef")


def test_who_stands_for_whom_is_found_over_every_merge_in_one_query(names, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = kin.heirs([names["e"], names["g"]])
    assert found == dict.fromkeys(pks(names, "abcdef"), names["e"]) | {names["g"]: names["g"]}
    assert kin.heirs([]) == {}


def test_of_several_who_are_asked_for_the_nearest_stands_for_a_name(names):
    found = kin.heirs([names["e"], names["c"]])
    assert found == dict.fromkeys(pks(names, "abcf"), names["c"]) | dict.fromkeys(pks(names, "de"), names["e"])


def test_who_remains_is_where_every_merge_has_led(names):
    asked = Member.objects.filter(external_id__in=["a", "f", "g"])
    assert set(kin.remaining(asked).values_list("pk", flat=True)) == pks(names, "eg")
