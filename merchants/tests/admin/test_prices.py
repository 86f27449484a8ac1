"""Prices, ladders and rebates at the merchants' site: forms with previews, files, starting and stopping."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from common import clock
from common.models import AuditEntry
from common.tests.seen import agree
from merchants.models import MemberPrice, PriceLadder, RebateScheme
from merchants.tests.admin.test_frame import a_person
from merchants.tests.buyers import a_club, a_merchant, a_plan, a_price, a_tier
from merchants.tests.walk import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine():
    return a_merchant(a_person().merchant_role.merchant.code, "mine-1")


@pytest.fixture
def gold():
    return a_tier("gold", 3)


def client(role="operator"):
    client = Client()
    client.force_login(a_person(f"{role}-person", role))
    return client


def at(name, *args):
    return reverse(f"merchant:merchants_{name}", args=args)


def a_form(**values):
    return {
        "sku": "sku-9", "store": "", "price": "88.00", "who": "tier", "tier": "", "plan": "", "club": "", "level": "",
        "starts_at_0": "2026-03-01", "starts_at_1": "00:00:00", "ends_at_0": "", "ends_at_1": "",
    } | values  # fmt: skip


def test_a_price_is_typed_as_money_and_kept_in_minor_units(mine, gold):
    answer = client().post(at("memberprice_add"), a_form(tier=gold.pk))
    assert answer.status_code == 302
    price = MemberPrice.objects.get()
    assert (price.merchant, price.price, price.tier, price.whom()) == (mine, 8800, gold, "Gold and above")
    assert AuditEntry.objects.filter(action="merchants.memberprice.add").exists()


def test_the_form_says_what_alice_pays_and_what_else_holds(mine, gold):
    a_price(mine, 8000, sku="sku-9", plan=a_plan())
    answer = client().post(at("memberprice_preview_new"), a_form(tier=gold.pk)).content.decode()
    assert "Alice the Gold member pays 88.00 CNY for a piece of sku-9 at all your stores." in answer
    assert "wins over this one" in answer
    assert MemberPrice.objects.count() == 1


def test_a_twin_and_another_merchants_things_are_refused(mine, gold):
    browser = client()
    browser.post(at("memberprice_add"), a_form(tier=gold.pk))
    assert (
        "There is such a price with this start already."
        in browser.post(at("memberprice_add"), a_form(tier=gold.pk)).content.decode()
    )
    other = a_merchant("other")
    for values in (
        {"tier": gold.pk, "store": other.stores.get().pk},
        {"who": "club", "club": a_club(other).pk, "level": 1},
    ):
        assert browser.post(at("memberprice_add"), a_form(**values)).status_code == 200
    assert MemberPrice.objects.count() == 1


def upload(browser, text):
    file = SimpleUploadedFile("prices.csv", text.encode(), "text/csv")
    return browser.post(at("memberprice_import"), {"import_file": file, "format": "0", "resource": ""})


HEAD = "store,sku,tier,plan,membership,level,price,starts_at,ends_at\n"


def test_a_file_is_tried_row_by_row_then_taken_as_a_whole(mine, gold):
    browser = client()
    a_price(mine, 5000, sku="sku-1", tier=gold, starts_at="2026-03-01T00:00:00Z")
    text = (
        HEAD
        + "mine-1,sku-1,gold,,,,88.50,2026-03-01 08:00:00,\n,sku-2,,,Club,2,7,2026-03-01 08:00:00,2026-04-01 08:00:00\n"
    )
    a_club(mine, name="Club")
    shown = upload(browser, text)
    assert MemberPrice.objects.count() == 1
    browser.post(at("memberprice_process_import"), Page(shown.content.decode()).fields)
    rows = MemberPrice.objects.order_by("pk").values_list("merchant__code", "store__code", "sku", "price", "level")
    assert list(rows)[1:] == [("bobs", "mine-1", "sku-1", 8850, None), ("bobs", None, "sku-2", 700, 2)]


def test_the_same_file_again_changes_prices_and_adds_none(mine, gold):
    browser = client()
    for price in ("88.50", "80"):
        shown = upload(browser, f"{HEAD},sku-1,gold,,,,{price},2026-03-01 08:00:00,\n")
        browser.post(at("memberprice_process_import"), Page(shown.content.decode()).fields)
    assert MemberPrice.objects.get().price == 8000


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("other,sku-1,gold,,,,88.50,2026-03-01 08:00:00,", "There is no such thing here: other"),
        (",sku-1,gold,,Other Club,1,88.50,2026-03-01 08:00:00,", "There is no such thing here: Other Club"),
        (",sku-1,,,,,88.50,2026-03-01 08:00:00,", "Name a tier, a plan or a membership"),
        (",sku-1,gold,,,,88.505,2026-03-01 08:00:00,", "decimal place"),
        (",sku-1,gold,,,,0,2026-03-01 08:00:00,", "greater than or equal to 1"),
        (",sku-1,gold,,,,1,2026-03-01 08:00:00,2026-03-01 08:00:00", "The end lies after the start"),
        (",sku-0,gold,,,,1,2026-03-01 08:00:00,", "stands in the file twice"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_taken(mine, gold, row, says):
    a_club(a_merchant("other"), name="Other Club")
    shown = upload(client(), f"{HEAD},sku-0,gold,,,,1,2026-03-01 08:00:00,\n{row}\n").content.decode()
    assert says in shown.replace("&#x27;", "'")
    assert not MemberPrice.objects.exists()


def test_a_viewer_cannot_import_and_an_export_holds_the_own_rows_only(mine, gold):
    a_price(mine, 5000, sku="mine-sku", tier=gold)
    a_price(a_merchant("other"), 5000, sku="other-sku", tier=gold)
    assert client("viewer").get(at("memberprice_import")).status_code == 403
    browser = client()
    fields = Page(browser.get(at("memberprice_export")).content.decode()).fields
    text = browser.post(at("memberprice_export"), fields | {"format": "0"}).content.decode()
    assert "mine-sku" in text
    assert "50.00" in text
    assert "other-sku" not in text


def steps(*rows):
    fields = {"steps-TOTAL_FORMS": str(len(rows)), "steps-INITIAL_FORMS": "0"}
    return fields | {f"steps-{n}-{name}": value for n, row in enumerate(rows) for name, value in row.items()}


def a_ladder_form(*rows, **values):
    return {
        "name": "Bulk", "store": "", "sku": "", "category": "", "starts_at_0": "2026-03-01", "starts_at_1": "00:00:00",
        "ends_at_0": "", "ends_at_1": "",
    } | values | steps(*rows)  # fmt: skip


def test_a_ladder_is_set_up_with_its_steps_and_shown_in_examples(mine):
    browser = client()
    rows = (
        {"from_quantity": 10, "price": "", "percent_off": 5},
        {"from_quantity": 100, "price": "", "percent_off": 10},
    )
    shown = browser.post(at("priceladder_preview_new"), a_ladder_form(*rows)).content.decode()
    assert "950.00 CNY" in shown
    assert browser.post(at("priceladder_add"), a_ladder_form(*rows)).status_code == 302
    assert list(PriceLadder.objects.get().steps.values_list("from_quantity", "percent_off")) == [(10, 5), (100, 10)]


@pytest.mark.parametrize("row", [{"price": "5.00", "percent_off": ""}, {"price": "", "percent_off": ""}])
def test_a_step_that_says_too_little_or_too_much_is_refused(mine, row):
    answer = client().post(at("priceladder_add"), a_ladder_form({"from_quantity": 1} | row))
    assert answer.status_code == 200
    assert not PriceLadder.objects.exists()


def test_a_scheme_is_drafted_by_one_and_started_by_who_may_spend(mine):
    operator, finance = client(), client("finance")
    form = {"name": "Partners", "period": "month"} | steps({"from_spend": "1000.00", "percent": 2})
    assert "2,000" in operator.post(at("rebatescheme_preview_new"), form).content.decode()
    assert operator.post(at("rebatescheme_add"), form).status_code == 302
    scheme = RebateScheme.objects.get()
    address = at("rebatescheme_start", scheme.pk)
    assert operator.get(address).status_code == 403
    assert "Start this rebate scheme?" in finance.get(address).content.decode()
    first = clock.month_start(clock.local_date(timezone.now()))
    agree(finance, address, starts_on=first.isoformat())
    scheme.refresh_from_db()
    assert (scheme.status, scheme.starts_on) == ("running", first)
    assert finance.post(at("rebatescheme_stop", scheme.pk)).status_code == 302
    scheme.refresh_from_db()
    assert scheme.status == "stopped"
