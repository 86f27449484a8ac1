"""What the demo's members buy, and what becomes of it: deliveries, refunds, reviews, likes."""

from __future__ import annotations

import datetime as dt
from random import Random

from common import clock
from config.demo.calendar import Calendar, weight
from config.demo.catalogue import CATEGORIES, Product
from config.demo.journal import ABANDONED, Journal
from config.demo.people import Person
from loyalty.services import allocation

WANTED = "wanted"
REASONS = ("no_reason", "no_reason", "no_reason", "defect", "seller_fault")
FREE_SHIPPING = 9_900


class Shopper:
    """Writes one person's orders into the journal."""

    def __init__(self, random: Random, journal: Journal, shelves: dict[str, list[Product]], people: list[Person]):
        self._random, self._journal, self._shelves, self._people = random, journal, shelves, people
        self._number = 0

    def shop(self, person: Person, calendar: Calendar) -> None:
        """All orders of the person; each begins with a visit on the favourite channel."""
        years = len(calendar.days) / 365
        for _ in range(max(round(person.orders * years), 1)):
            at = calendar.pick(self._random, person.registered_at + dt.timedelta(hours=1))
            if at is not None:
                self._number += 1
                self._order(person, f"d{self._number:06}", at)

    def _chance(self, percent: int) -> bool:
        return self._random.random() * 100 < percent

    def _order(self, person: Person, code: str, at: dt.datetime) -> None:
        lines = self._lines(person, at)
        cash = sum(line["cash"] for line in lines)
        data = {
            "order": code,
            "channel": person.channel,
            "lines": lines,
            "freight": 0 if cash >= FREE_SHIPPING else 600,
        }
        if self._chance(person.tenders):
            data["hold"] = WANTED
            if self._chance(6):
                self._journal.write(at, ABANDONED, person.external_id, f"abandoned-{code}", data)
                return
        self._journal.write(at, "order.paid", person.external_id, f"paid-{code}", data)
        if self._chance(2):
            later = at + dt.timedelta(hours=self._random.randint(1, 30))
            self._journal.write(later, "order.cancelled", person.external_id, f"cancelled-{code}", {"order": code})
            return
        delivered = at + dt.timedelta(hours=self._random.randint(20, 110))
        if self._chance(person.refuses):
            self._refuse(person, code, delivered)
        elif self._journal.write(delivered, "order.completed", person.external_id, f"completed-{code}", data):
            self._afterwards(person, code, data, delivered)

    def _lines(self, person: Person, at: dt.datetime) -> list[dict]:
        chosen = [self._product(person) for _ in range(self._random.choices((1, 2, 3, 4), weights=(55, 25, 13, 7))[0])]
        most = 20 if person.kind == "business" else 3
        quantities = [self._random.choices((1, self._random.randint(1, most)), weights=(75, 25))[0] for _ in chosen]
        prices = [product.price * quantity for product, quantity in zip(chosen, quantities, strict=True)]
        percent = 15 if weight(clock.local_date(at)) >= 30 else self._random.choice((0, 0, 0, 5))
        discounts = allocation.largest_remainder(sum(prices) * percent // 100, prices)
        return [
            {
                "line": str(number),
                "sku": product.sku,
                "category": product.category,
                "store": product.store,
                "quantity": quantity,
                "cash": price - discount,
                "discount": discount,
                "virtual": product.is_virtual,
            }
            for number, (product, quantity, price, discount) in enumerate(
                zip(chosen, quantities, prices, discounts, strict=True), 1
            )
        ]

    def _product(self, person: Person) -> Product:
        """Mostly from a favourite category; the dearer a category, the more seldom."""
        names = person.favourites if self._chance(75) else sorted(self._shelves)
        shelf = self._random.choices(names, weights=[1_000_000 // CATEGORIES[name][0] for name in names])[0]
        return self._random.choice(self._shelves[shelf])

    def _refuse(self, person: Person, code: str, at: dt.datetime) -> None:
        """The parcel goes back at the door: the refusal is noted and the order called off."""
        self._journal.write(at, "delivery.refused", person.external_id, f"refused-{code}", {"order": code})
        later = at + dt.timedelta(hours=2)
        self._journal.write(later, "order.cancelled", person.external_id, f"cancelled-{code}", {"order": code})

    def _afterwards(self, person: Person, code: str, data: dict, at: dt.datetime) -> None:
        lines = data["lines"]
        if self._chance(person.returns):
            self._refund(person, code, self._random.choice(lines), at)
        elif self._chance(1):
            self._protect(person, code, lines[0], at)
        if self._chance(person.reviews):
            self._review(person, code, self._random.choice(lines), at)

    def _refund(self, person: Person, code: str, line: dict, at: dt.datetime) -> None:
        """Some or all units of a line come back within ten days."""
        quantity = self._random.randint(1, line["quantity"])
        data = {
            "order": code,
            "refund": f"r-{code}",
            "reason": self._random.choice(REASONS),
            "cash": line["cash"] * quantity // line["quantity"],
            "lines": [{"line": line["line"], "quantity": quantity}],
        }
        later = at + dt.timedelta(hours=self._random.randint(10, 240))
        self._journal.write(later, "order.refunded", person.external_id, f"refunded-{code}", data)

    def _protect(self, person: Person, code: str, line: dict, at: dt.datetime) -> None:
        """The price fell within a week: the difference is paid back."""
        difference = line["cash"] // 20
        if difference:
            data = {
                "order": code,
                "refund": f"p-{code}",
                "reason": "price_protection",
                "cash": difference,
                "lines": [{"line": line["line"], "cash": difference}],
            }
            self._journal.write(
                at + dt.timedelta(days=5), "order.refunded", person.external_id, f"protected-{code}", data
            )

    def _review(self, person: Person, code: str, line: dict, at: dt.datetime) -> None:
        photos = self._random.choice((0, 0, 1, 2, 4))
        review = f"v-{code}"
        reviewed = at + dt.timedelta(hours=self._random.randint(6, 24 * 20))
        data = {"review": review, "order": code, "line": line["line"], "photos": photos}
        if self._journal.write(reviewed, "review.approved", person.external_id, review, data) and photos:
            self._like(person, review, reviewed)
            if self._chance(2):
                later = reviewed + dt.timedelta(days=self._random.randint(1, 40))
                self._journal.write(
                    later, "review.removed", person.external_id, f"{review}-removed", {"review": review}
                )

    def _like(self, person: Person, review: str, at: dt.datetime) -> None:
        """Few reviews are liked by many; some likes come from one device or from the author."""
        likers = self._random.sample(self._people, k=min(int(self._random.lognormvariate(0.6, 1.0)), len(self._people)))
        for number, liker in enumerate(likers, 1):
            device = "shared-tablet" if self._chance(10) else f"device-{liker.external_id}"
            later = at + dt.timedelta(minutes=self._random.randint(5, 60 * 24 * 25))
            data = {"review": review, "by": liker.external_id, "device": device}
            if later > liker.registered_at:
                self._journal.write(later, "review.liked", person.external_id, f"{review}-like-{number}", data)
