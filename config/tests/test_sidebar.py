"""The sidebar: what one may open, and where one is."""

import pytest
from django.contrib import admin
from django.urls import reverse

from config.tests import sample
from merchants.admin.site import site as merchant_site

pytestmark = pytest.mark.django_db


def lines(client, address):
    """The lines of the page's sidebar: title and whether it is marked, by link."""
    groups = client.get(address).context["sidebar_navigation"]
    return {line["link"]: (str(line["title"]), line["active"]) for group in groups for line in group["items"]}


@pytest.mark.parametrize("site", [admin.site, merchant_site], ids=lambda site: site.name)
def test_every_line_opens_and_the_page_draws_it(client, site):
    client.force_login(sample.merchant_staff() if site is merchant_site else sample.staff("sue", "support"))
    start = reverse(f"{site.name}:index")
    page = client.get(start).content.decode()
    for link in lines(client, start):
        assert f'href="{link}"' in page
        assert client.get(link, follow=True).status_code == 200, link


def test_what_a_role_may_not_open_is_no_line(client):
    client.force_login(sample.staff("sue", "support"))
    own = lines(client, reverse("admin:index"))
    client.force_login(sample.staff("root", is_superuser=True))
    every = lines(client, reverse("admin:index"))
    assert own.keys() < every.keys()
    client.force_login(sample.staff("sam", "support"))
    assert {client.get(link, follow=True).status_code for link in every.keys() - own.keys()} == {403}


@pytest.mark.parametrize(
    ("name", "title"),
    [("index", "Overview"), ("members_member_changelist", "Members"), ("loyalty_campaign_add", "Campaigns")],
)
def test_the_line_of_the_page_is_marked_and_no_other(client, name, title):
    client.force_login(sample.staff("root", is_superuser=True))
    marked = [title for title, active in lines(client, reverse(f"admin:{name}")).values() if active]
    assert marked == [title]


def test_a_line_with_a_question_leads_to_it(client):
    client.force_login(sample.staff("root", is_superuser=True))
    assert reverse("admin:common_delivery_changelist") + "?status__exact=dead" in lines(client, reverse("admin:index"))
