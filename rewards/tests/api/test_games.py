import datetime as dt
import uuid

import pytest
from django.utils import timezone

from loyalty.models import Account
from loyalty.tests.api.callers import grant
from loyalty.tests.stage import DAY
from rewards.models import Play
from rewards.services import draws, games, lotteries, prize_claims, seeds
from rewards.tests.arcade import a_game, a_lottery, new_seed, person, rig

pytestmark = pytest.mark.django_db

MUG = {"kind": "gift", "name": "Mug", "price": 20, "weight": 100, "stock": 1}
THANKS = {"kind": "points", "name": "1 point", "points": 1, "weight": 100, "is_fallback": True}


def around(**values):
    now = timezone.now()
    return {"starts_at": now - DAY, "ends_at": now + DAY, "at": now} | values


@pytest.fixture
def play(phone):
    def post(owner, code="joy", *, key=None, commitment=None, **more):
        client = phone(owner)
        seen = commitment or client.get(f"/api/v1/me/games/{code}").data["commitment"]
        body = {"commitment": seen, "client_seed": "mine"} | more
        return client.post(
            f"/api/v1/me/games/{code}/plays", body, format="json", headers={"Idempotency-Key": key or str(uuid.uuid4())}
        )

    return post


def test_the_odds_are_published_as_exact_fractions(server):
    version = a_game(**around())
    told = server.get("/api/v1/games/joy").data
    assert [(row["weight"], row["out_of"], row["words"]) for row in told["odds"]] == [
        (1, 1000, "1 in 1,000"),
        (10, 1000, "1 in 100"),
        (100, 1000, "1 in 10"),
        (300, 1000, "3 in 10"),
        (589, 1000, "589 in 1,000"),
    ]
    assert told["odds"][-1]["kind"] == "nothing"
    assert told["commitment"] == seeds.current(version).commitment
    assert server.get("/api/v1/games").data == [told]


def test_drafts_and_stopped_games_are_not_shown(server, alice, phone):
    games.stop(a_game(**around()), person("olivia"), timezone.now())
    assert server.get("/api/v1/games").data == []
    assert server.get("/api/v1/games/joy").status_code == 404
    assert phone(alice).get("/api/v1/me/games/joy").status_code == 404


def test_a_member_plays_and_is_told_what_she_won(alice, play):
    version = a_game(**around())
    grant(alice, 50)
    rig(version, 3, client_seed="mine")
    answer = play(alice)
    assert answer.status_code == 201
    assert (answer.data["state"], answer.data["prize"], answer.data["server_seed"]) == ("won", "20 points", None)
    assert Account.objects.get().available == 60


def test_the_same_key_gives_the_same_play(alice, play):
    a_game(**around())
    grant(alice, 50)
    first, again = (play(alice, key="k-1") for _try in range(2))
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json() == again.json()
    assert Play.objects.count() == 1


def test_a_play_without_a_key_is_refused(alice, phone):
    a_game(**around())
    client = phone(alice)
    body = {"commitment": client.get("/api/v1/me/games/joy").data["commitment"], "client_seed": "mine"}
    answer = client.post("/api/v1/me/games/joy/plays", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


@pytest.mark.parametrize("body", [{"client_seed": "with: colon"}, {"client_seed": ""}, {"commitment": "short"}])
def test_bad_input_names_its_place(alice, play, body):
    a_game(**around())
    grant(alice, 50)
    answer = play(alice, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert answer.json()["errors"][0]["pointer"] == f"/{next(iter(body))}"
    assert not Play.objects.exists()


def test_who_cannot_play_is_told_why(alice, phone, play):
    a_game(**around(daily_limit=1))
    told = phone(alice).get("/api/v1/me/games/joy").data
    assert (told["available"], told["reasons"]) == (False, [{"code": "insufficient_points", "missing": 10}])
    grant(alice, 2000)
    assert play(alice).status_code == 201
    (told,) = phone(alice).get("/api/v1/me/games").data
    assert (told["played_today"], [reason["code"] for reason in told["reasons"]]) == (1, ["daily_limit"])
    refused = play(alice)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_playable")
    assert refused.json()["reasons"][0]["code"] == "daily_limit"


def test_a_prize_that_is_out_of_stock_is_said_to_be_so(alice, server, play):
    version = a_game(**around(prizes=[MUG, THANKS]))
    grant(alice, 50)
    rig(version, 1, client_seed="mine")
    assert play(alice).data["delivery"] == "open"
    told = server.get("/api/v1/games/joy").data
    assert [row["available"] for row in told["odds"]] == [False, True, True]
    assert "Who draws a prize that is out of stock gets: 1 point." in told["rules"][-1]
    rig(version, 1, client_seed="mine", nonce=2)
    second = play(alice).data
    assert (second["fell_on"], second["prize"]) == ("Mug", "1 point")


def test_my_plays_reveal_the_seed_once_it_decides_nothing(alice, phone, play):
    version = a_game(**around())
    grant(alice, 50)
    play(alice)
    assert phone(alice).get("/api/v1/me/plays").data["results"][0]["server_seed"] is None
    seeds.change(version, person("olivia"), timezone.now(), new_seed)
    (mine,) = phone(alice).get("/api/v1/me/plays?game=joy").data["results"]
    assert draws.commitment(mine["server_seed"]) == mine["commitment"]
    assert draws.number(mine["server_seed"], f"mine:{mine['nonce']}", 1000) == mine["number"]


def test_nobody_sees_anothers_plays(alice, charlie, phone, play):
    a_game(**around())
    grant(alice, 50)
    play(alice)
    assert phone(charlie).get("/api/v1/me/plays").data["results"] == []


def test_a_gift_is_followed_to_the_door(alice, phone, play):
    version = a_game(**around(prizes=[MUG, THANKS]))
    grant(alice, 50)
    rig(version, 1, client_seed="mine")
    play(alice)
    claim, now = Play.objects.get().claim, timezone.now()
    prize_claims.send(claim, "SF 12345", person("bob"), now)
    assert phone(alice).get("/api/v1/me/plays").data["results"][0]["delivery"] == "sent"
    with pytest.raises(prize_claims.ClaimMovedOn):
        prize_claims.send(claim, "SF 12345", person("bob"), now)
    prize_claims.deliver(claim, person("bob"), now)
    assert phone(alice).get("/api/v1/me/plays").data["results"][0]["delivery"] == "delivered"


def test_a_ticket_waits_for_the_draw(alice, bob, phone, play):
    now = timezone.now()
    ten = {"kind": "points", "points": 10, "stock": 1}
    version = a_lottery(least=1, prizes=[ten], starts_at=now - DAY, ends_at=now + DAY, draws_at=now + DAY, at=now)
    grant(alice, 10)
    grant(bob, 10)
    play(alice, "lottery")
    play(bob, "lottery")
    (waiting,) = phone(alice).get("/api/v1/me/plays").data["results"]
    assert (waiting["state"], waiting["ticket"], waiting["prize"]) == ("waiting", 1, "")
    told = phone(alice).get("/api/v1/me/games/lottery").data
    assert (told["odds"][0]["words"], told["tickets_sold"]) == ("1 in 2", 2)
    lotteries.draw(version, now + DAY)
    states = [phone(one).get("/api/v1/me/plays").data["results"][0]["state"] for one in (alice, bob)]
    assert sorted(states) == ["lost", "won"]


def test_games_cost_a_fixed_number_of_queries(alice, phone, django_assert_num_queries):
    client = phone(alice)
    for number in range(2):
        a_game(f"game-{number}", **around())
    with django_assert_num_queries(6):
        client.get("/api/v1/me/games")
    for number in range(2, 9):
        a_game(f"game-{number}", **around())
    with django_assert_num_queries(6):
        client.get("/api/v1/me/games")


def test_plays_cost_a_fixed_number_of_queries(alice, phone, play, django_assert_max_num_queries):
    a_game(**around())
    grant(alice, 500)
    for _play in range(10):
        play(alice)
    with django_assert_max_num_queries(4):
        assert len(phone(alice).get("/api/v1/me/plays").data["results"]) == 10
    assert dt.timedelta(0) < timezone.now() - Play.objects.first().at
