"""Operators and rewards: written by one, activated by another, packed, sent, given back; codes in and out of files."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from common import clock
from common.models import AuditEntry
from common.tests.seen import agree
from config.tests import sample
from loyalty.selectors import origins
from loyalty.tests.stage import balance
from members.models import Consent
from members.services import consents
from merchants.tests import buyers
from rewards.admin.reward_files import RewardResource
from rewards.models import Code, Redemption, Reward, RewardPrice, Settlement, SponsorPayment
from rewards.tests import shop

pytestmark = pytest.mark.django_db

FORM = {
    "name": "Coffee mug", "code": "coffee-mug", "symbol": "coffee", "colour": "#b45309", "kind": "gift", "codes": "none",
    "points": "1000", "cash": "0.00", "unit_cost": "9.00", "perceived_value": "39.00", "merchant_percent": "0",
    "least_spend": "0.00",
    "prices-TOTAL_FORMS": "0", "prices-INITIAL_FORMS": "0", "prices-MIN_NUM_FORMS": "0", "prices-MAX_NUM_FORMS": "1000",
}  # fmt: skip


@pytest.fixture
def olivia(client):
    person = sample.staff("olivia", "operations")
    client.force_login(person)
    return person


@pytest.fixture
def felix(olivia):
    return sample.staff("felix", "finance")


def page(name: str, *args) -> str:
    return reverse(f"admin:rewards_{name}", args=args)


def upload(client, model: str, text: str):
    """Try a file; confirm it if the trial finds nothing wrong. The page of the trial, and whether it was taken."""
    file = SimpleUploadedFile("rows.csv", text.encode(), content_type="text/csv")
    trial = client.post(page(f"{model}_import"), {"format": "0", "import_file": file, "resource": "0"})
    form = trial.context.get("confirm_form")
    if form is None:
        return trial.content.decode(), False
    answer = client.post(page(f"{model}_process_import"), form.initial, follow=True)
    return trial.content.decode() + answer.content.decode(), answer.status_code == 200


def exported(client, model: str) -> str:
    """The whole list as text."""
    return client.post(page(f"{model}_export"), {"format": "0", "resource": "0"}).content.decode()


def test_a_reward_is_written_as_money_and_activated_by_a_second_person(client, olivia, felix):
    client.post(page("reward_add"), FORM)
    reward = Reward.objects.get()
    assert (reward.status, reward.unit_cost, reward.perceived_value, reward.created_by) == ("draft", 900, 3900, olivia)
    assert client.get(page("reward_activate", reward.pk)).status_code == 403
    client.force_login(felix)
    asked = client.get(page("reward_activate", reward.pk)).content.decode()
    assert "4.3 : 1" in asked
    agree(client, page("reward_activate", reward.pk))
    reward.refresh_from_db()
    assert (reward.status, reward.activated_by) == ("active", felix)


def test_the_author_does_not_activate_what_she_wrote(client, olivia):
    root = sample.staff("root", is_superuser=True)
    client.force_login(root)
    client.post(page("reward_add"), FORM)
    answer = agree(client, page("reward_activate", Reward.objects.get().pk))
    assert "Somebody else has to put this in force." in answer.content.decode()
    assert Reward.objects.get().status == "draft"


def test_a_changed_price_takes_a_reward_out_of_the_catalogue_but_new_looks_do_not(client, olivia):
    client.post(page("reward_add"), FORM)
    Reward.objects.update(status="active", stock=5, sold=2)
    reward = Reward.objects.get()
    client.post(page("reward_change", reward.pk), FORM | {"name": "Mug", "stock": "5"})
    reward.refresh_from_db()
    assert (reward.name, reward.status) == ("Mug", "active")
    client.post(page("reward_change", reward.pk), FORM | {"name": "Mug", "points": "900", "stock": "5"})
    reward.refresh_from_db()
    assert (reward.points, reward.status, reward.sold) == (900, "draft", 2)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"kind": "partner"}, "Say whose codes they are."),
        ({"kind": "plan"}, "Say which plan."),
        ({"points": "0"}, "greater than or equal to 1"),
        ({"visible_from_0": "2026-03-02", "visible_from_1": "00:00", "visible_until_0": "2026-03-01", "visible_until_1": "00:00"},
         "The end comes after the start."),
    ],
)  # fmt: skip
def test_a_reward_that_makes_no_sense_is_refused_in_words(client, olivia, changes, says):
    answer = client.post(page("reward_add"), FORM | changes)
    assert says in answer.content.decode()
    assert not Reward.objects.exists()


def test_a_sponsor_whose_share_is_left_empty_pays_nothing(client, olivia):
    sponsor = buyers.a_merchant("acme", "acme-1")
    answer = client.post(page("reward_add"), FORM | {"merchant": sponsor.pk, "merchant_percent": ""})
    assert answer.status_code == 302
    assert (Reward.objects.get().merchant, Reward.objects.get().merchant_percent) == (sponsor, 0)


def test_a_stock_below_what_is_sold_is_refused(client, olivia):
    client.post(page("reward_add"), FORM | {"stock": "5"})
    Reward.objects.update(sold=3, reserved=1)
    answer = client.post(page("reward_change", Reward.objects.get().pk), FORM | {"stock": "3"})
    assert "4 are sold or reserved already" in answer.content.decode()


def test_the_preview_shows_how_a_member_sees_it_and_what_one_costs(client, olivia):
    acme = sample.merchant_staff().merchant_role.merchant
    shop.a_tier("bronze", 1)
    answer = client.post(
        page("reward_preview_new"),
        FORM | {"kind": "coupon", "codes": "own", "validity_days": "7", "merchant": acme.pk, "merchant_percent": "50"},
    )
    says = answer.content.decode()
    for words in (
        "Coffee mug",
        "For Bronze and above.",
        "Good for 7 days",
        "1,000 points",
        "9.00 CNY",
        "8.6 : 1",
        "ACME 50 %",
    ):
        assert words in says


COUPON = FORM | {
    "kind": "coupon", "codes": "own", "validity_days": "30", "off_amount": "30.00", "least_spend": "200.00",
    "only_categories": "books",
}  # fmt: skip


def test_the_preview_says_in_a_sentence_what_a_coupon_takes_off(client, olivia):
    buyers.a_merchant("acme", "acme-1").stores.update(name="ACME Main")
    says = client.post(page("reward_preview_new"), COUPON | {"only_stores": "acme-1"}).content.decode()
    assert "30.00 CNY off from 200.00 CNY, for books, at ACME Main, good for 30 days" in says
    vague = client.post(page("reward_preview_new"), FORM | {"kind": "coupon", "codes": "own"}).content.decode()
    assert "It does not say what it takes off" in vague


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"off_percent": "10"}, "Say either an amount or a percentage."),
        ({"off_most": "5.00"}, "Only a percentage has a cap."),
        ({"off_amount": "0.00"}, "A coupon takes something off."),
        ({"off_amount": "200.01"}, "It takes off more than that."),
        ({"off_amount": ""}, "Say what it takes off."),
        ({"only_stores": "acme-1, nowhere"}, "No store bears the code acme-1, nowhere."),
    ],
)
def test_terms_that_make_no_sense_are_refused_in_words(client, olivia, changes, says):
    assert says in client.post(page("reward_add"), COUPON | changes).content.decode()
    assert not Reward.objects.exists()


def test_what_a_coupon_takes_off_stands_fast_once_somebody_has_one(client, olivia):
    client.post(page("reward_add"), COUPON)
    reward = Reward.objects.get()
    assert (reward.off_amount, reward.least_spend, reward.only_categories) == (3000, 20_000, "books")
    Reward.objects.update(status="active")
    shop.a_member(at=timezone.now())
    shop.redeem(reward, at=timezone.now())
    client.post(page("reward_change", reward.pk), COUPON | {"off_amount": "5.00", "name": "New"})
    reward.refresh_from_db()
    assert (reward.name, reward.off_amount) == ("New", 3000)
    shown = client.get(page("reward_change", reward.pk)).content.decode()
    assert shown.count("30.00 CNY off") == 2, "in the preview, and where it would be typed"
    says, taken = upload(client, "reward", "code,name,kind,points,off_amount\ncoffee-mug,New,coupon,1000,5.00\n")
    assert not taken
    assert "what it takes off stands fast" in says


def test_terms_travel_in_a_file_both_ways(client, olivia):
    columns = "code,name,kind,points,off_percent,off_most,least_spend,only_categories"
    _says, taken = upload(client, "reward", f'{columns}\nten,Ten,coupon,500,10,50.00,99.90,"tea, books"\n')
    assert taken
    ten = Reward.objects.get()
    assert (ten.off_percent, ten.off_most, ten.least_spend, ten.only_categories) == (10, 5000, 9990, "tea, books")
    row = RewardResource().export(Reward.objects.all()).dict[0]
    assert (row["off_most"], row["off_amount"], row["least_spend"]) == ("50.00", "", "99.90")


def test_the_list_shows_picture_price_ratio_and_stock(client, olivia):
    shop.a_reward("mug", name="Mug", symbol="coffee", stock=10, sold=9, unit_cost=900, perceived_value=3900)
    says = client.get(page("reward_changelist")).content.decode()
    for words in ("coffee", "Mug", "100 points", "4.3 : 1", "1 left of 10"):
        assert words in says


def test_the_list_says_how_many_codes_of_a_partner_are_left(client, olivia):
    shop.a_pool(shop.a_reward("video", kind="partner"), "V-1", "V-2")
    shop.a_reward("music", kind="partner")
    says = client.get(page("reward_changelist")).content.decode()
    assert "2 codes in the pool" in says
    assert '<small class="lp-minus">0 codes in the pool' in says


def test_the_page_of_an_import_names_only_columns_that_are_read(client, olivia):
    says = client.get(page("code_import")).content.decode()
    assert re.findall(r"reward, code, good_until, price\b(?!,)", says)


def test_a_list_names_the_tier_for_which_the_price_was(client, olivia):
    now = timezone.now()
    gold = shop.a_tier("gold", 3)
    shop.a_member(at=now, tier=gold)
    mug = shop.a_reward("mug", name="Mug")
    RewardPrice.objects.create(reward=mug, tier=gold, points=80)
    redemption = shop.redeem(mug, at=now)
    says = client.get(page("redemption_changelist")).content.decode()
    assert f"{gold.name} and above" in says
    assert "tier gold" not in says
    assert f"Mug {redemption.taken_on}" in client.get(page("redemption_change", redemption.pk)).content.decode()


def test_a_cancel_says_what_comes_back(client, olivia):
    now = timezone.now()
    member = shop.a_member(at=now)
    mug = shop.a_reward("mug", cash=900)
    held = shop.hold(mug, at=now)
    given = Redemption.objects.create(
        member=member, reward=mug, status="placed", points=0, created_at=now, taken_on=now
    )
    for redemption, words in ((held, "Nothing is paid yet"), (given, "no points come back")):
        says = client.get(page("redemption_cancel", redemption.pk)).content.decode()
        assert words in says
        assert "very lots" not in says
    shop.a_pool(shop.a_reward("video", kind="partner"), "V-1")
    paid = shop.redeem(Reward.objects.get(code="video"), at=now)
    says = client.get(page("redemption_give_back", paid.pk)).content.decode()
    assert "very lots" in says
    assert "Its code is void" in says


def test_a_file_of_rewards_makes_drafts_and_names_what_is_wrong_row_by_row(client, olivia):
    bad = "code,name,kind,points,unit_cost,merchant\nmug,Mug,gift,0,9.00,\ncup,Cup,gift,100,9.00,nobody\n"
    says, taken = upload(client, "reward", bad)
    assert not taken
    assert "There is none with the code nobody." in says
    assert not Reward.objects.exists()
    good = "code,name,kind,points,unit_cost,stock\nmug,Mug,gift,100,9.00,5\nfive-off,5 off,coupon,500,5.00,\n"
    _says, taken = upload(client, "reward", good)
    assert taken
    mug, coupon = Reward.objects.order_by("points")
    assert (mug.status, mug.unit_cost, mug.stock, mug.created_by) == ("draft", 900, 5, olivia)
    assert (coupon.codes, coupon.symbol) == ("own", "redeem")
    assert AuditEntry.objects.filter(action="rewards.rewards.import").exists()


def test_a_file_of_rewards_that_was_exported_says_everything_again(client, olivia):
    gold = shop.a_tier("gold", 3)
    june = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
    mug = shop.a_reward(
        "mug", name="=Mug 杯子", description="-5 off", visible_from=june, available_until=june + dt.timedelta(9)
    )
    RewardPrice.objects.create(reward=mug, tier=gold, points=80, cash=990)
    text = exported(client, "reward")
    assert "'=Mug 杯子,'-5 off" in text
    _says, taken = upload(client, "reward", text)
    mug.refresh_from_db()
    assert taken
    assert (mug.status, mug.name, mug.description, mug.visible_from) == ("active", "=Mug 杯子", "-5 off", june)

    later = text.replace("2026-06-10T", "2026-06-12T").replace("tier:gold=80+9.90", "tier:gold=70; plan:plus=60")
    says, taken = upload(client, "reward", later)
    assert not taken
    assert "There is none with the code plus." in says
    _says, taken = upload(client, "reward", later.replace("; plan:plus=60", ""))
    mug.refresh_from_db()
    assert (mug.status, mug.available_until) == ("draft", june + dt.timedelta(11))
    assert list(mug.prices.values_list("tier__code", "points", "cash")) == [("gold", 70, 0)]
    says, taken = upload(client, "reward", "code,name,kind,points,available_from\nmug,Mug,gift,100,2026-07-01\n")
    assert not taken
    assert "The end comes after the start." in says


def test_codes_that_were_exported_cost_the_same_when_they_come_back(client, olivia):
    video = shop.a_reward("video", kind="partner")
    upload(client, "code", "reward;code;good_until;price\nvideo;=1+1;2030-01-31;5.00\n")
    text = exported(client, "code")
    assert "video,'=1+1,2030-01-31,5.00,free," in text
    Code.objects.all().delete()
    _says, taken = upload(client, "code", text)
    code = Code.objects.get()
    assert taken
    assert (code.reward, code.code, code.price, code.expires_at.isoformat()) == (
        video,
        "=1+1",
        500,
        "2030-01-31T16:00:00+00:00",
    )


def test_a_file_that_cannot_be_read_is_refused_in_words(client, olivia):
    says, taken = upload(client, "code", "code\nV-1\n")
    assert not taken
    assert "The file has no column “reward”." in says
    assert "Traceback" not in says
    file = SimpleUploadedFile("rows.csv", "reward,code\nvideo,代码".encode("gb18030"))
    says = client.post(page("code_import"), {"format": "0", "import_file": file, "resource": "0"}).content.decode()
    assert "The text is not UTF-8." in says


def test_a_trial_of_thousands_of_bad_rows_shows_the_first(client, olivia):
    says, taken = upload(client, "code", "reward,code\n" + "".join(f"none,V-{n}\n" for n in range(201)))
    assert not taken
    assert "The first 200 of 201 rows are shown." in says
    assert "V-199" in says
    assert "V-200" not in says


def test_a_file_changes_what_it_has_columns_for_and_asks_for_a_second_person_again(client, olivia):
    mug = shop.a_reward("mug", name="Mug", stock=5, sold=2, unit_cost=900)
    RewardPrice.objects.create(reward=mug, tier=shop.a_tier("gold", 3), points=80)
    _says, taken = upload(client, "reward", "code,name,kind,points\nmug,Mug,gift,90\n")
    mug.refresh_from_db()
    assert taken
    assert (mug.points, mug.status, mug.stock, mug.sold, mug.unit_cost) == (90, "draft", 5, 2, 900)


def test_a_partners_file_fills_the_pool_or_says_which_rows_are_wrong(client, olivia):
    video = shop.a_reward("video", kind="partner", unit_cost=500)
    shop.a_reward("mug")
    shop.a_pool(video, "KNOWN")
    bad = (
        "reward,code,good_until,price\nvideo,KNOWN,,\nmug,X,,\nnothing,Y,,\nvideo,Z,2020-01-01,\nvideo,T,,\nvideo,T,,\n"
    )
    says, taken = upload(client, "code", bad)
    assert not taken
    for words in (
        "This code is known already", "takes no codes from a partner", "There is no reward with the code nothing.",
        "This day is over.",
    ):  # fmt: skip
        assert words in says
    assert Code.objects.count() == 1
    _says, taken = upload(client, "code", "reward,code,good_until,price\nvideo,V-1,2099-12-31,4.00\nvideo,V-2,,\n")
    assert taken
    assert dict(Code.objects.values_list("code", "price")) == {"KNOWN": 500, "V-1": 400, "V-2": 500}
    assert Code.objects.get(code="V-1").expires_at == dt.datetime(2099, 12, 31, 16, 0, tzinfo=dt.UTC)


def test_a_gift_is_packed_and_sent_by_buttons_and_its_history_is_shown(client, olivia):
    now = timezone.now()
    shop.a_member(at=now)
    redemption = shop.redeem(shop.a_reward("mug", name="Mug"), at=now)
    client.post(page("redemption_fulfil", redemption.pk))
    answer = client.post(page("redemption_ship", redemption.pk), {"tracking": "SF-1"}, follow=True)
    assert "Now: On its way." in answer.content.decode()
    assert "SF-1" in answer.content.decode()
    assert client.get(page("redemption_cancel", redemption.pk)).status_code == 403
    client.post(page("redemption_give_back", redemption.pk), {"reason": "Broken"})
    redemption.refresh_from_db()
    assert (redemption.status, redemption.restored) == ("returned", 100)
    assert balance(at=now).available == 1000
    entry = AuditEntry.objects.get(action="rewards.redemptions.give_back")
    assert (entry.reason, entry.actor) == ("Broken", olivia)


def test_a_cancel_asks_for_a_reason(client, olivia):
    now = timezone.now()
    shop.a_member(at=now)
    redemption = shop.redeem(shop.a_reward("mug"), at=now)
    answer = client.post(page("redemption_cancel", redemption.pk), {"reason": ""})
    assert answer.status_code == 200
    assert Redemption.objects.get().status == "placed"


def test_the_members_page_shows_what_was_taken_and_no_whole_code(client, olivia):
    now = timezone.now()
    member = shop.a_member(at=now, tier=shop.a_tier("bronze", 1))
    redemption = shop.redeem(shop.a_reward("five-off", kind="coupon", name="Five off"), at=now)
    says = client.get(reverse("admin:members_member_change", args=[member.pk])).content.decode()
    assert "Five off" in says
    assert redemption.code.code not in says
    assert f"····{redemption.code.code[-4:]}" in says


def test_the_statement_names_the_reward_and_the_game(client, olivia):
    now = timezone.now()
    member = shop.a_member(at=now)
    redemption = shop.redeem(shop.a_reward("mug", name="Mug"), at=now)
    says = client.get(reverse("admin:members_member_change", args=[member.pk])).content.decode()
    assert "reward: Mug" in says
    assert f"redemption {redemption.uuid}" not in says
    assert origins.of(["birthday:2026", "game:gone", f"game:{redemption.uuid}"]) == {
        "birthday:2026": "birthday in 2026"
    }


def test_the_members_page_shows_what_the_app_recommends_and_why(client, olivia):
    now = timezone.now()
    member = shop.a_member(at=now)
    shop.a_reward("mug", name="Mug")
    address = reverse("admin:members_member_change", args=[member.pk])
    says = client.get(address).content.decode()
    assert "The same order for everybody" in says
    consents.give(member, Consent.Purpose.PERSONALISE, "", "app", now)
    says = client.get(address).content.decode()
    assert "the member agreed to that" in says
    assert "It takes at most half of your points." in says


def test_a_code_is_put_back_by_finance_and_a_month_is_settled(client, olivia, felix):
    now = timezone.now()
    long_ago = now - dt.timedelta(days=70)
    shop.a_member(at=long_ago)
    video = shop.a_reward("video", kind="partner", unit_cost=500)
    shop.a_pool(video, "V-1", "V-2")
    kept, back = shop.redeem(video, at=long_ago), shop.redeem(video, at=long_ago)
    assert client.get(page("code_unassign", back.code.pk)).status_code == 403
    client.force_login(felix)
    client.post(page("code_unassign", back.code.pk), {"reason": "The partner blocked it"})
    back.refresh_from_db()
    assert (back.status, Code.objects.filter(status="free").count()) == ("returned", 1)
    asked = client.get(page("partner_settle", video.partner.pk)).content.decode()
    assert "1 codes, 5.00 CNY" in asked
    assert 'name="confirm"' in asked
    month = timezone.localtime(long_ago).date().replace(day=1)
    client.post(page("partner_settle", video.partner.pk), {"month": month.isoformat()})
    assert (Settlement.objects.get().amount, kept.code.settlement) == (500, None)
    assert Code.objects.get(redemption=kept).settlement == Settlement.objects.get()
    assert 'name="confirm"' not in client.get(page("partner_settle", video.partner.pk)).content.decode()


def test_support_packs_but_changes_no_reward(client):
    client.force_login(sample.staff("sam", "support"))
    now = timezone.now()
    shop.a_member(at=now)
    redemption = shop.redeem(shop.a_reward("mug"), at=now)
    assert client.post(page("reward_change", redemption.reward.pk), FORM).status_code == 403
    assert client.get(page("code_changelist")).status_code == 403
    client.post(page("redemption_fulfil", redemption.pk))
    assert Redemption.objects.get().status == "fulfilling"


def test_who_may_only_look_reads_money_and_not_minor_units(client, felix):
    mug = shop.a_reward("mug", unit_cost=1234_56)
    mug.prices.create(tier=shop.a_tier("gold", 3), points=80, cash=7_89)
    client.force_login(felix)
    says = client.get(page("reward_change", mug.pk)).content.decode()
    assert "1,234.56 CNY" in says
    assert "7.89 CNY" in says
    assert "123,456" not in says


def test_operators_see_what_a_sponsors_money_brought_and_take_it_along(client, olivia):
    now = timezone.now()
    acme = buyers.a_merchant("acme", "acme-1")
    shop.a_member(at=now)
    mug = shop.a_reward("mug", name="Mug", unit_cost=900, merchant=acme, merchant_percent=40)
    shop.redeem(mug, at=now)
    says = client.get(page("reward_sponsors")).content.decode()
    for words in (str(acme), "sponsor 3.60 CNY, platform 5.40 CNY", "What sponsors&#x27; money brought</span>"):
        assert words in says
    assert str(acme) not in client.get(page("reward_sponsors"), {"month": "2020-01"}).content.decode()
    file = client.get(page("reward_sponsors"), {"format": "csv", "sponsor": "acme"}).content.decode().splitlines()
    assert file == [
        "sponsor,taken,given,used,members,plays,orders,cash,sponsor_cost,platform_cost,owed",
        "acme,1,0,0,1,0,0,0,360,540,360",
    ]
    assert AuditEntry.objects.filter(action="rewards.sponsorships.export", actor=olivia).exists()
    client.force_login(sample.staff("mona-without-a-role"))
    assert client.get(page("reward_sponsors")).status_code == 403


def test_finance_records_what_a_sponsor_has_paid_and_withdraws_a_mistake(client, felix, olivia):
    now = timezone.now()
    last_month = clock.months_after(clock.month_start(clock.local_date(now)), -1)
    acme = buyers.a_merchant("acme", "acme-1")
    shop.a_member(at=clock.day_start(last_month))
    shop.redeem(shop.a_reward("mug", unit_cost=900, merchant=acme, merchant_percent=40), at=clock.day_start(last_month))
    month = {"month": f"{last_month:%Y-%m}"}
    address = reverse("admin:rewards_sponsorpayment_record", args=["acme"], query=month)
    assert address not in client.get(page("reward_sponsors"), month).content.decode()
    assert client.get(address).status_code == 403
    client.force_login(felix)
    assert address in client.get(page("reward_sponsors"), month).content.decode()
    says = client.get(address).content.decode()
    assert 'value="3.60"' in says
    said = client.post(address, {"amount": "3.61", "paid_on": f"{last_month}", "reference": "bank-1"})
    assert "Unpaid for this month: 3.60 CNY." in said.content.decode()
    client.post(address, {"amount": "3.60", "paid_on": f"{last_month}", "reference": "bank-1"})
    payment = SponsorPayment.objects.get()
    assert (payment.amount, payment.reference, payment.actor_label) == (3_60, "bank-1", "felix")
    assert "Nothing is unpaid" in client.get(address).content.decode()
    assert ">Paid<" in client.get(page("reward_sponsors"), month).content.decode()
    client.post(page("sponsorpayment_withdraw", payment.pk), {"reason": "Charlie's money"})
    assert "Withdrawn" in client.get(page("sponsorpayment_changelist")).content.decode()
    assert address in client.get(page("reward_sponsors"), month).content.decode()
