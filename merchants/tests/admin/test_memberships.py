"""The pages of memberships, levels, cards and members of brands, on both sites."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from common.models import AuditEntry, Staff
from common.tests.seen import agree
from loyalty.tests.stage import STAFF
from members.models import Consent
from members.services import consents, identities
from merchants.models import Brand, BrandMember, Card, Club, Level, LevelScheme, Store, UnknownStore
from merchants.services import links
from merchants.tests.shops import NOON, a_card, a_club, a_member, a_merchant, a_scheme, a_store, buy, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    client.force_login(
        Staff.objects.create_superuser("olivia", password="pw", site=Staff.Site.OPERATORS, is_staff=True)
    )
    return client


@pytest.fixture
def owner(client):
    client.force_login(staff("sam"))
    return client


def at(name, *args, site="merchant"):
    return reverse(f"{site}:merchants_{name}", args=args)


def rows(*levels, scheme=""):
    """A formset of levels (name, from), as a browser sends it."""
    data = {"levels-TOTAL_FORMS": len(levels), "levels-INITIAL_FORMS": 0}
    for number, (name, threshold) in enumerate(levels):
        fields = {"name": name, "threshold": threshold, "multiplier_percent": 100, "colour": "#0f766e"}
        data |= {f"levels-{number}-{field}": value for field, value in fields.items()} | {f"levels-{number}-id": ""}
    return data


def upload(client, address, text, confirm=True):
    """Try a file, and take it in; the answer of the last step."""
    file = SimpleUploadedFile("rows.csv", text.encode(), "text/csv")
    answer = client.post(address, {"import_file": file, "format": "0"})
    form = answer.context.get("confirm_form") if answer.context else None
    if form is None or not confirm:
        return answer
    return client.post(address.replace("/import/", "/process_import/"), form.initial)


class TestClubs:
    def test_an_owner_adds_a_membership_with_its_store(self, owner):
        store = a_store()
        data = {"name": "Acme club", "scope": "single", "takes_part": [store.pk], "unit_name": "miles",
                "money_unit": "2.00", "welcome_points": 5}  # fmt: skip
        assert owner.post(at("club_add"), data).status_code == 302
        club = Club.objects.get()
        assert (club.merchant.code, club.money_unit, club.status) == ("acme", 200, "draft")
        assert list(club.stores.all()) == [store]

    def test_stores_of_others_and_taken_ones_are_refused(self, owner):
        a_club("acme-1")
        theirs = a_store("other-1", "other")
        data = {"name": "Two", "scope": "single", "unit_name": "miles", "money_unit": "1", "welcome_points": 0}
        for pk in (Store.objects.get(code="acme-1").pk, theirs.pk):
            assert owner.post(at("club_add"), data | {"takes_part": [pk]}).status_code == 200
        assert Club.objects.count() == 1

    def test_a_brands_membership_names_an_own_brand(self, owner):
        a_merchant()
        brand = Brand.objects.create(code="theirs", name="Theirs", merchant=a_merchant("other"))
        data = {"name": "B", "scope": "brand", "unit_name": "miles", "money_unit": "1", "welcome_points": 0}
        assert owner.post(at("club_add"), data | {"brand": brand.pk}).status_code == 200
        assert owner.post(at("club_add"), data).status_code == 200
        assert not Club.objects.exists()

    def test_opening_asks_first_and_is_on_record(self, owner):
        club = a_club(status=Club.Status.DRAFT)
        page = owner.get(at("club_open_club", club.pk)).content.decode()
        assert "From now on members can join" in page
        assert Club.objects.get().status == "draft"
        owner.post(at("club_open_club", club.pk))
        assert Club.objects.get().status == "open"
        assert AuditEntry.objects.filter(action="merchants.clubs.open", actor__username="sam").exists()

    def test_winding_down_without_notice_is_refused_in_words(self, owner):
        club = a_club()
        soon = timezone.localtime() + dt.timedelta(days=3)
        data = {"ends_at_0": soon.date().isoformat(), "ends_at_1": "12:00", "exchange_permille": 0}
        answer = owner.post(at("club_wind_down", club.pk), data, follow=True)
        assert "at least 30 days" in answer.content.decode()
        assert Club.objects.get().status == "open"

    def test_another_merchants_membership_is_not_found(self, owner):
        club = a_club(merchant="other", status=Club.Status.DRAFT)
        for name in ("club_change", "club_open_club", "club_wind_down"):
            assert owner.get(at(name, club.pk)).status_code in (403, 404)
            assert owner.post(at(name, club.pk)).status_code in (403, 404)
        assert Club.objects.get().status == "draft"


class TestLevels:
    def test_levels_are_drafted_in_money_and_numbered_by_what_they_ask(self, owner):
        club = a_club()
        data = {"club": club.pk, "basis": "amount"} | rows(("Gold", "199.99"), ("Base", "0"))
        assert owner.post(at("levelscheme_add"), data).status_code == 302
        found = Level.objects.order_by("number").values_list("number", "name", "threshold")
        assert list(found) == [(1, "Base", 0), (2, "Gold", 199_99)]

    @pytest.mark.parametrize(
        ("basis", "levels", "words"),
        [
            ("amount", [("Base", "1")], "Level 1 is for everybody"),
            ("amount", [("Base", "0"), ("Gold", "0")], "more than the one below"),
            ("orders", [("Base", "0"), ("Gold", "1.5")], "A whole number of orders"),
            ("amount", [], "One to five levels"),
        ],
    )
    def test_what_makes_no_levels_is_refused_in_words(self, owner, basis, levels, words):
        club = a_club()
        answer = owner.post(at("levelscheme_add"), {"club": club.pk, "basis": basis} | rows(*levels))
        assert answer.status_code == 200
        assert words in answer.content.decode()
        assert not LevelScheme.objects.exists()

    def test_the_preview_says_who_would_rise_without_saving_anything(self, owner):
        club = a_club()
        card = a_card(club=club)
        Card.objects.filter(pk=card.pk).update(spent=500_00)
        data = {"club": club.pk, "basis": "amount"} | rows(("Base", "0"), ("Gold", "500"))
        page = owner.post(at("levelscheme_preview_new"), data).content.decode()
        assert "Of 1 member, 1 would rise and 0 would fall." in page
        assert "from 500.00 CNY spent" in page
        assert not LevelScheme.objects.exists()

    def test_publishing_says_from_when_and_a_second_time_too_soon_says_when_next(self, owner):
        club = a_club()
        for _time in range(2):
            owner.post(at("levelscheme_add"), {"club": club.pk, "basis": "amount"} | rows(("Base", "0")))
            draft = LevelScheme.objects.get(status="draft")
            assert "come into force on" in owner.get(at("levelscheme_publish", draft.pk)).content.decode()
            answer = agree(owner, at("levelscheme_publish", draft.pk))
        assert "once in 30 days: the next time on" in answer.content.decode()
        assert LevelScheme.objects.filter(status="published").count() == 1

    def test_what_is_published_is_not_edited(self, owner):
        scheme = a_scheme(a_club(), [("Base", 0, 100)])
        data = {"basis": "orders"} | rows(("Other", "0"))
        assert owner.post(at("levelscheme_change", scheme.pk), data).status_code == 403
        assert Level.objects.get().name == "Base"

    def test_a_viewer_drafts_nothing(self, client):
        club = a_club()
        client.force_login(staff("vera", role="viewer"))
        assert client.post(at("levelscheme_add"), {"club": club.pk, "basis": "amount"} | rows()).status_code == 403


class TestCards:
    def test_a_list_of_fifty_costs_the_queries_of_one(self, owner, django_assert_max_num_queries):
        club = a_club(levels=[("Base", 0, 100)])
        for number in range(30):
            a_card(f"m-{number}", club)
        owner.get(at("card_changelist"))
        with django_assert_max_num_queries(16):
            page = owner.get(at("card_changelist")).content.decode()
        assert page.count("1 Base") >= 30

    def test_only_own_members_are_found_by_name_or_card(self, owner):
        own, theirs = a_club(), a_club(merchant="other")
        for name, club in (("alice", own), ("charlie", theirs)):
            member = a_member(name)
            member.name = "Same Name"
            member.save()
            a_card(name, club, external_card=f"B-{name}")
        page = owner.get(at("card_changelist"), {"q": "Same"}).content.decode()
        assert len(re.findall(r"/merchant/merchants/card/\d+/change/", page)) >= 1
        assert owner.get(at("card_changelist"), {"q": "B-charlie"}).context["cl"].result_count == 0
        assert owner.get(at("card_changelist"), {"q": "Same"}).context["cl"].result_count == 1

    def test_the_page_shows_entries_and_events(self, owner):
        card = a_card(club=a_club(welcome_points=50, unit_name="miles"))
        page = owner.get(at("card_change", card.pk)).content.decode()
        assert "Opening gift" in page
        assert "Opened the card" in page
        assert "50 miles" in page

    def test_the_export_escapes_formulas(self, owner):
        card = a_card(club=a_club())
        card.member.name = "=HYPERLINK(1)"
        card.member.save()
        page = owner.get(at("card_export"))
        data = {"format": "0"} | {f"cardresource_{name}": "on" for name in ("uuid", "name")} | {"resource": "0"}
        text = owner.post(at("card_export"), data).content.decode()
        assert page.status_code == 200
        assert ",'=HYPERLINK(1)," in text

    def test_a_member_page_shows_memberships_and_consents(self, operator):
        card = a_card(club=a_club(levels=[("Base", 0, 100)]))
        consents.give(card.member, Consent.Purpose.INSIGHT, "acme", "app", NOON)
        page = operator.get(reverse("admin:members_member_change", args=[card.member.pk])).content.decode()
        assert "Acme club" in page
        assert "1 Base" in page
        assert "Show my purchases and score band to the merchant" in page


class TestBrandMembers:
    HEADER = "external_card,phone,source,level,points\n"

    def test_a_file_is_taken_in_and_matched_and_its_phones_are_not_kept(self, owner):
        a_club(scope=Club.Scope.BRAND)
        alice = a_member()
        identities.keep([identities.Word(alice, identities.Kind.PHONE, identities.digest("13800138000"), NOON)])
        consents.give(alice, Consent.Purpose.LINK, "acme", "app", NOON)
        text = self.HEADER + "B-1,13800138000,offline,VIP,300\nB-2,,mini_program,,\n"
        assert upload(owner, at("brandmember_import"), text).status_code == 302
        assert BrandMember.objects.get(external_card="B-1").card.member == alice
        assert BrandMember.objects.get(external_card="B-2").status == "waiting"
        assert "13800138000" not in str(list(BrandMember.objects.values()))

    def test_bad_rows_are_named_and_nothing_is_taken(self, owner):
        a_club(scope=Club.Scope.BRAND)
        text = self.HEADER + "B-1,not a phone,offline,,\nB-2,,nowhere,,\nB-3,,,,-5\nB-4,,,,\nB-4,,,,\n"
        page = upload(owner, at("brandmember_import"), text).content.decode()
        assert "Not a phone number." in page
        assert "stands in the file twice" in page
        assert not BrandMember.objects.exists()

    def test_a_membership_of_another_merchant_cannot_be_named(self, owner):
        a_club(scope=Club.Scope.BRAND, name="Mine")
        a_club(scope=Club.Scope.BRAND, merchant="other", name="Theirs")
        text = "external_card,membership\nB-1,Theirs\n"
        assert "You have no brand" in upload(owner, at("brandmember_import"), text).content.decode()
        assert not BrandMember.objects.exists()

    def test_viewers_do_not_import(self, client):
        a_club(scope=Club.Scope.BRAND)
        client.force_login(staff("vera", role="viewer"))
        assert client.get(at("brandmember_import")).status_code == 403

    def test_the_merchant_sees_a_conflict_and_no_identity_and_the_operator_decides(self, owner):
        club = a_club(scope=Club.Scope.BRAND)
        for name in ("alice", "bob"):
            member = a_member(name)
            identities.keep([identities.Word(member, identities.Kind.PHONE, identities.digest("13800138000"), NOON)])
            consents.give(member, Consent.Purpose.LINK, "acme", "app", NOON)
        (row,) = links.take_in(club, [links.Line("B-1", identities.digest("13800138000"))], actor=STAFF, at=NOON)
        page = owner.get(at("brandmember_change", row.pk)).content.decode()
        assert "Conflict" in page
        assert "alice" not in page
        owner.force_login(Staff.objects.create_superuser("olivia", password="pw", site=Staff.Site.OPERATORS))
        address = at("brandmember_decide", row.pk, site="admin")
        assert "bob" in owner.get(address).content.decode()
        owner.post(address, {"member": str(a_member("bob").pk), "reason": "showed the card"})
        assert BrandMember.objects.get().card.member.external_id == "bob"

    def test_whoever_was_not_offered_is_not_linked(self, operator):
        club = a_club(scope=Club.Scope.BRAND)
        (row,) = links.take_in(club, [links.Line("B-1")], actor=STAFF, at=NOON)
        mallory = a_member("mallory")
        answer = operator.post(
            at("brandmember_decide", row.pk, site="admin"), {"member": str(mallory.pk), "reason": "x"}
        )
        assert answer.status_code == 200
        assert BrandMember.objects.get().card is None


class TestStores:
    def test_an_unknown_code_is_adopted_after_a_page_that_says_what_it_means(self, operator):
        buy(("ghost", 900))
        row = UnknownStore.objects.get()
        merchant = a_merchant()
        page = operator.get(at("unknownstore_adopt", row.pk, site="admin")).content.decode()
        assert "9.00 CNY" in page
        operator.post(at("unknownstore_adopt", row.pk, site="admin"), {"merchant": merchant.pk, "name": "Ghost"})
        assert Store.objects.get(code="ghost").merchant == merchant
        assert not UnknownStore.objects.exists()

    def test_stores_are_imported_and_bad_rows_are_named(self, operator):
        a_store("acme-1")
        a_merchant("other")
        Brand.objects.create(code="b", name="B", merchant=a_merchant())
        header, address = "code,name,merchant,brand\n", at("store_import", site="admin")
        bad = header + "acme-1,Mine,other,\nnew,New,nobody,\nx,X,other,b\n"
        page = upload(operator, address, bad).content.decode()
        for words in ("is another merchant", "No such merchant: nobody", "The brand is another merchant"):
            assert words in page
        good = header + "acme-1,New name,acme,b\nacme-9,Nine,acme,\n"
        assert upload(operator, address, good).status_code == 302
        assert Store.objects.get(code="acme-1").name == "New name"
        assert Store.objects.get(code="acme-9").merchant.code == "acme"
        assert AuditEntry.objects.filter(action="merchants.store.import").exists()

    def test_brands_are_imported(self, operator):
        a_merchant()
        answer = upload(operator, at("brand_import", site="admin"), "code,name,merchant\nnew,New,acme\n")
        assert answer.status_code == 302
        assert Brand.objects.get().merchant.code == "acme"

    @pytest.mark.parametrize("name", ["brand", "store", "unknownstore", "club", "levelscheme", "card", "brandmember"])
    def test_every_list_says_what_will_stand_there(self, operator, name):
        assert operator.get(at(f"{name}_changelist", site="admin")).status_code == 200
