import csv
import io

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from common.models import AuditEntry, Staff
from loyalty.models import CustomEventType, Medal, Segment
from loyalty.services import medal_displays, medals
from loyalty.tests import medal_case as case
from loyalty.tests.medal_case import NOON, TONIGHT

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia(client):
    """She may do everything, and is signed in."""
    person = Staff.objects.create_user("olivia", is_staff=True, is_superuser=True, site=Staff.Site.OPERATORS)
    client.force_login(person)
    return person


@pytest.fixture
def reader(db):
    """Alice holds level 2, Bob and Charlie level 1, Dora only a score."""
    reader = case.medal("reader", colour="#7c3aed")
    reader.levels.filter(number=2).update(benefit_cost=5_00, benefits="A book a year.")
    case.buy_lines("alice", [("books", 60_00), ("toys", 9_00)])
    for name, cash in (("bob", 12_00), ("charlie", 11_00), ("dora", 5_00)):
        case.buy(name, cash)
    medals.award(TONIGHT, NOON)
    return reader


def page(client, name, *args, **query) -> str:
    answer = client.get(reverse(f"admin:loyalty_{name}", args=args, query=query))
    assert answer.status_code == 200
    return answer.content.decode()


def form(**changes) -> dict:
    """A medal for books with two levels, as the form sends it."""
    values = {
        "name": "Bookworm", "code": "bookworm", "colour": "#7c3aed", "icon": "menu_book", "is_active": "on", "kind": "category",
        "behaviour": "", "event_type": "", "per_money": 2, "money_unit": "10.00", "per_day": 5, "per_content": 1,
        "levels-TOTAL_FORMS": 2, "levels-INITIAL_FORMS": 0, "categories-TOTAL_FORMS": 1, "categories-INITIAL_FORMS": 0,
        "categories-0-category": "books",
    }  # fmt: skip
    for number, score in enumerate((100, 500)):
        level = {"number": number + 1, "name": f"L{number + 1}", "score": score, "benefit_cost": "1.50"}
        values |= {f"levels-{number}-{name}": value for name, value in level.items()}
    return values | changes


def test_a_medal_is_written_in_words_and_money(client, olivia):
    client.post(reverse("admin:loyalty_medal_add"), form())

    medal = Medal.objects.get(code="bookworm")
    assert (medal.money_unit, medal.per_money, medal.behaviour) == (10_00, 2, "")
    assert list(medal.levels.values_list("number", "score", "benefit_cost")) == [(1, 100, 150), (2, 500, 150)]
    assert [row.category for row in medal.categories.all()] == ["books"]
    assert AuditEntry.objects.filter(action="loyalty.medal.add", actor=olivia).exists()
    assert "books: 2 for each whole 10.00 CNY; 5 for a day with an order; 1 for a review" in page(
        client, "medal_changelist"
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"levels-1-score": 100}, "L2 must ask for a higher score than L1."),
        ({"levels-0-score": ""}, "Give a score or a share, one of the two."),
        ({"levels-0-share_permille": 5}, "Give a score or a share, one of the two."),
        ({"levels-1-number": 1}, "Please correct the duplicate"),
        ({"kind": "behaviour"}, "Say what is counted."),
        ({"kind": "behaviour", "behaviour": "event"}, "Choose the type of event that is counted."),
        ({"money_unit": "0"}, "Say for how much money the score is given."),
        ({"colour": "#12345z"}, "Give a colour like #c9a227."),
    ],
)
def test_a_medal_that_makes_no_sense_is_not_saved(client, olivia, changes, says):
    answer = client.post(reverse("admin:loyalty_medal_add"), form(**changes))
    assert says in answer.content.decode()
    assert not Medal.objects.exists()


def test_what_does_not_belong_to_the_kind_is_not_kept(client, olivia):
    quiz = CustomEventType.objects.create(name="app.quiz_finished")
    client.post(reverse("admin:loyalty_medal_add"), form(behaviour="share", event_type=quiz.pk))
    medal = Medal.objects.get()
    assert (medal.behaviour, medal.event_type) == ("", None)


def test_the_list_shows_members_by_level_in_one_bar(client, olivia, reader):
    assert "Level 2 1 · Level 1 2" in page(client, "medal_changelist")


def test_the_list_of_medals_costs_the_same_for_one_and_for_twenty(client, olivia, reader):
    page(client, "medal_changelist")

    def cost(name) -> int:
        with CaptureQueriesContext(connection) as queries:
            page(client, name)
        return len(queries)

    few = {name: cost(name) for name in ("medal_changelist", "medalstanding_changelist", "medalaward_changelist")}
    for number in range(20):
        case.medal(f"medal-{number}", f"category-{number}")
        case.buy(f"m-{number}", 90_00)
    medals.award(TONIGHT + 32 * case.DAY, NOON)
    assert {name: cost(name) for name in few} == few


def test_the_console_holds_each_level_against_the_base(client, olivia, reader):
    shown = page(client, "medal_console", reader.pk)

    for said in (
        "Level 2: 1",
        "Level 1: 2",
        "60.00 CNY",
        "2.72",
        "55.00 CNY",
        "A book a year.",
        "3 members rose, 0 fell",
    ):
        assert said in shown
    assert "books-1" in shown
    assert "toys" in shown
    assert "toys" not in page(client, "medal_console", reader.pk, level="1")


def test_the_console_costs_the_same_for_three_members_and_for_thirty(client, olivia, reader):
    page(client, "medal_console", reader.pk)
    with CaptureQueriesContext(connection) as few:
        page(client, "medal_console", reader.pk)
    for number in range(30):
        case.buy_lines(f"m-{number}", [("books", 90_00), (f"category-{number}", 10_00)])
    medals.award(TONIGHT + 32 * case.DAY, NOON)
    with CaptureQueriesContext(connection) as many:
        page(client, "medal_console", reader.pk)
    assert len(many) == len(few) <= 16


@pytest.mark.parametrize("level", ["nonsense", "99", "-1"])
def test_the_console_of_a_level_that_does_not_exist_shows_all(client, olivia, reader, level):
    assert "toys" in page(client, "medal_console", reader.pk, level=level)


def test_a_console_before_the_first_night_says_so(client, olivia):
    assert "Not counted yet" in page(client, "medal_console", case.medal().pk)


def test_the_console_of_deeds_speaks_of_deeds(client, olivia):
    sharer = case.medal("sharer", kind="behaviour", behaviour="share", per_content=1, levels=((1, 1),))
    case.share("alice")
    case.buy("alice", 9_00)
    medals.award(TONIGHT, NOON)
    shown = page(client, "medal_console", sharer.pk)
    assert "What each level does" in shown
    assert "Spend less benefits" not in shown
    assert "Categories they buy" in shown
    assert "books" in shown


def test_a_segment_is_made_of_a_level(client, olivia, reader):
    level = case.level(reader, 1)
    answer = client.post(
        reverse("admin:loyalty_medal_gather", args=[reader.pk]),
        {"level": level.pk, "name": "Readers", "code": "readers"},
    )
    segment = Segment.objects.get(code="readers")
    assert answer.url == reverse("admin:loyalty_segment_change", args=[segment.pk])
    assert sorted(segment.members.values_list("external_id", flat=True)) == ["bob", "charlie"]


def test_the_level_of_another_medal_makes_no_segment(client, olivia, reader):
    other = case.level(case.medal("player", "toys"), 1)
    address = reverse("admin:loyalty_medal_gather", args=[reader.pk])
    client.post(address, {"level": other.pk, "name": "Players", "code": "players"})
    assert not Segment.objects.exists()


def test_the_list_of_holders_is_filtered_by_level_and_exported_as_it_stands(client, olivia, reader):
    query = {"medal__id__exact": reader.pk, "level": "1"}
    assert "alice" not in page(client, "medalstanding_changelist", **query)
    address = reverse("admin:loyalty_medalstanding_export", query=query)
    assert client.get(address).status_code == 200

    answer = client.post(address, {"format": "0", "resource": "0"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert sorted((row["customer number"], row["score"], row["level"]) for row in rows) == [
        ("bob", "12", "1"),
        ("charlie", "11", "1"),
    ]
    assert "id" not in rows[0]
    assert AuditEntry.objects.filter(action="loyalty.medalstanding.export", actor=olivia).exists()


def test_who_has_no_level_yet_is_found(client, olivia, reader):
    shown = page(client, "medalstanding_changelist", medal__id__exact=reader.pk, level="none")
    assert "dora" in shown
    assert "bob" not in shown


def test_a_members_page_shows_the_badges_and_what_is_missing(client, olivia, reader):
    bob = case.member("bob")
    medal_displays.choose(bob, False, NOON)
    shown = client.get(reverse("admin:members_member_change", args=[bob.pk])).content.decode()
    assert "Reader · Level 1" in shown
    assert "8 missing for Level 2" in shown
    assert "does not show medals to others" in shown


def test_who_may_only_look_finds_neither_export_nor_segment_of_what_is_not_theirs(client, reader):
    vera = Staff.objects.create_user("vera", is_staff=True, site=Staff.Site.OPERATORS)
    vera.user_permissions.set(Permission.objects.filter(codename__in=["view_medal"]))
    client.force_login(vera)
    for name, args in (("medal_console", [reader.pk]), ("medal_gather", [reader.pk]), ("medalstanding_export", [])):
        assert client.get(reverse(f"admin:loyalty_{name}", args=args)).status_code == 403
