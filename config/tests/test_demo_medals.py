"""The demo's medals: 21 for categories and five for deeds (domain.md S1-35)."""

import pytest

from config.demo import medals
from config.demo.catalogue import CATEGORIES
from loyalty.models import Medal, MedalCategory, MedalLevel

pytestmark = pytest.mark.django_db


def test_there_is_a_medal_for_each_of_the_21_categories_and_five_for_deeds():
    medals.set_up()

    assert set(MedalCategory.objects.values_list("category", flat=True)) == set(CATEGORIES)
    assert (Medal.objects.filter(kind="category").count(), Medal.objects.filter(kind="behaviour").count()) == (21, 5)
    faults = [MedalLevel.faults(medal.levels.all()) for medal in Medal.objects.all()]
    assert faults == [[]] * 26


def test_setting_up_again_keeps_what_operators_have_changed():
    medals.set_up()
    books = Medal.objects.get(code="books")
    books.levels.get(number=5).delete()
    Medal.objects.filter(code="books").update(name="Bookworm")

    medals.set_up()

    assert (Medal.objects.get(code="books").name, books.levels.count(), Medal.objects.count()) == ("Bookworm", 4, 26)
