"""Operators write games, see what they cost, let a colleague activate them, and check draws."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from config.tests import sample
from loyalty.tests.stage import give
from rewards.models import Game, GameVersion, Play, PrizeClaim
from rewards.tests.arcade import a_draft, a_game, a_lottery, play, rig

pytestmark = pytest.mark.django_db

MUG = {"kind": "gift", "name": "Mug", "price": 20, "weight": 100, "stock": 5}


def now():
    return timezone.now()


def around(**values):
    return {"starts_at": now(), "ends_at": now() + dt.timedelta(days=9)} | values


@pytest.fixture
def enter(client):
    def sign_in(name, *roles):
        client.force_login(sample.staff(name, *roles))
        return client

    return sign_in


def page(name, *args):
    return reverse(f"admin:rewards_{name}", args=args)


def prizes_form(*rows, first=0):
    data = {"prizes-TOTAL_FORMS": len(rows), "prizes-INITIAL_FORMS": first}
    for number, row in enumerate(rows):
        data |= {f"prizes-{number}-{name}": value for name, value in row.items()}
    return data


def version_form(game, *rows, **values):
    return {
        "game": game.pk,
        "starts_at_0": "2026-03-01", "starts_at_1": "00:00", "ends_at_0": "2036-03-01", "ends_at_1": "00:00",
        "stake": 10, "weight_total": 1000, "daily_limit": 3, "cost_cap_percent": 70,
    } | prizes_form(*rows) | values  # fmt: skip


POINTS = {"position": 1, "name": "1,000 points", "kind": "points", "points": 1000, "weight": 1, "price": "0"}


def test_the_preview_says_odds_cost_and_what_is_wrong(enter):
    client = enter("olivia", "operations")
    game = Game.objects.create(code="joy", name="Joy", kind="da_le_dou")
    text = client.post(page("gameversion_preview_new"), version_form(game, POINTS)).content.decode()
    assert "A play costs 10 points. At most 3 a member and day." in text
    assert "1 in 1,000" in text
    assert "1 point of 10 staked: 10.00 %, allowed 70 %" in text
    assert "no limit" in text
    dear = version_form(game, POINTS | {"weight": 8})
    text = client.post(page("gameversion_preview_new"), dear).content.decode()
    assert "On average a play gives more than the allowed share of its stake." in text


def test_a_version_is_written_in_a_form_with_money_as_money(enter):
    client = enter("olivia", "operations")
    game = Game.objects.create(code="joy", name="Joy", kind="da_le_dou")
    mug = {"position": 2, "name": "Mug", "kind": "gift", "price": "20.50", "points": 0, "weight": 1, "stock": 5}
    answer = client.post(page("gameversion_add"), version_form(game, POINTS, mug, daily_budget="100.00"))
    assert answer.status_code == 302
    version = GameVersion.objects.get()
    assert (version.number, version.daily_budget, version.created_by.username) == (1, 100_00, "olivia")
    assert list(version.prizes.values_list("name", "price", "remaining")) == [
        ("1,000 points", 0, None),
        ("Mug", 20_50, 5),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"points": 0}, "Say how many points."),
        ({"price": "1.00"}, "Points have no price of their own."),
        ({"kind": "gift"}, "Say what it costs to buy."),
    ],
)
def test_a_prize_that_is_unclear_is_refused_in_words(enter, change, words):
    client = enter("olivia", "operations")
    game = Game.objects.create(code="joy", name="Joy", kind="da_le_dou")
    answer = client.post(page("gameversion_add"), version_form(game, POINTS | change))
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not GameVersion.objects.exists()


def test_a_colleague_activates_after_seeing_what_it_may_cost(enter):
    version = a_draft(**around(daily_budget=5000))
    client = enter("fiona", "finance")
    asked = client.get(page("gameversion_activate", version.pk)).content.decode()
    assert "6.5 points of 10 staked: 65.00 %, allowed 70 %" in asked
    assert "50.00 CNY" in asked
    for prize in version.prizes.all():
        assert prize.name in asked
    client.post(page("gameversion_activate", version.pk), {"seen": version.changed_at.isoformat()})
    version.refresh_from_db()
    assert (version.status, version.activated_by.username) == ("active", "fiona")


def test_who_has_seen_another_draft_is_asked_again(enter):
    version = a_draft(**around())
    client = enter("fiona", "finance")
    answer = client.post(page("gameversion_activate", version.pk), {"seen": "yesterday"})
    assert "The draft has changed meanwhile. Look at it again." in answer.content.decode()
    version.refresh_from_db()
    assert version.status == "draft"


def test_operations_cannot_activate(enter):
    version = a_draft(**around())
    client = enter("bob", "operations")
    assert client.get(page("gameversion_activate", version.pk)).status_code == 403


def test_an_active_version_cannot_be_edited_but_replaced(enter):
    version = a_game(**around(), at=now())
    client = enter("bob", "operations")
    shown = client.get(page("gameversion_change", version.pk)).content.decode()
    assert "_save" not in shown
    client.post(page("gameversion_change", version.pk), version_form(version.game, POINTS))
    version.refresh_from_db()
    assert (version.stake, version.prizes.count()) == (10, 4)
    for name, key in (("gameversion", version.pk), ("game", version.game_id)):
        assert "A draft is written" in client.get(page(f"{name}_new_version", key)).content.decode()
    assert version.game.versions.count() == 1
    answer = client.post(page("gameversion_new_version", version.pk))
    assert answer.url == page("gameversion_change", GameVersion.objects.get(status="draft").pk)


def test_a_draw_is_verified_by_a_button(enter):
    version = a_game(**around(), at=now())
    give(100, at=now())
    one = play(at=now())
    client = enter("fiona", "finance")
    answer = client.get(page("play_verify", one.pk), follow=True).content.decode()
    assert "The draw holds" in answer
    version.seed_periods.update(server_seed="0" * 64)
    answer = client.get(page("play_verify", one.pk), follow=True).content.decode()
    assert "The seed is not the one that was committed to." in answer


def test_a_seed_is_secret_until_it_is_revealed_for_the_staff_too(enter):
    version = a_game(**around(), at=now())
    give(100, at=now())
    one = play(at=now())
    seed = version.seed_periods.get().server_seed
    client = enter("fiona", "finance")
    period = version.seed_periods.get()
    for address in (page("play_change", one.pk), page("seedperiod_change", period.pk), page("seedperiod_changelist")):
        assert seed not in client.get(address).content.decode()
    client.post(page("seedperiod_change_seed", period.pk))
    assert seed in client.get(page("seedperiod_change", period.pk)).content.decode()


def test_a_prize_is_sent_and_delivered(enter):
    version = a_game(**around(prizes=[MUG]), at=now())
    give(100, at=now())
    rig(version, 1)
    play(at=now())
    claim = PrizeClaim.objects.get()
    client = enter("sam", "support")
    client.post(page("prizeclaim_send", claim.pk), {"note": ""})
    assert PrizeClaim.objects.get().status == "open"
    client.post(page("prizeclaim_send", claim.pk), {"note": "SF 1234"})
    client.post(page("prizeclaim_deliver", claim.pk))
    claim.refresh_from_db()
    assert (claim.status, claim.note) == ("delivered", "SF 1234")
    assert client.get(page("prizeclaim_send", claim.pk)).status_code == 403


def test_a_lottery_says_what_it_is(enter):
    version = a_lottery(**around(draws_at=now() + dt.timedelta(days=10)), at=now())
    client = enter("fiona", "finance")
    shown = client.get(page("gameversion_change", version.pk)).content.decode()
    assert "A ticket costs 10 points; 3 to 100 tickets" in shown
    assert "1 in 3" in shown
    assert Play.objects.count() == 0


def test_the_members_page_shows_her_games(enter):
    a_game(**around(), at=now())
    give(100, at=now())
    one = play(at=now())
    client = enter("sam", "support")
    shown = client.get(reverse("admin:members_member_change", args=[one.member_id])).content.decode()
    assert page("play_change", one.pk) in shown
