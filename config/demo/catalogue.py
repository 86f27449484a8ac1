"""What the demo's marketplace sells, and who sells it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from merchants.models import Merchant, Store

# Category: typical unit price in fen, stores that sell it (domain.md S1-35 names 21 categories).
CATEGORIES = {
    "phones": (249_900, ("lantu-flagship", "huaxia-digital")),
    "computers": (429_900, ("huaxia-computers", "lantu-office")),
    "tablets": (189_900, ("lantu-flagship", "huaxia-digital")),
    "cameras": (329_900, ("huaxia-digital",)),
    "audio": (39_900, ("lantu-audio", "huaxia-digital")),
    "appliances": (159_900, ("jiayuan-appliances", "jiayuan-kitchen")),
    "kitchen": (19_900, ("jiayuan-kitchen", "shengxian-home")),
    "furniture": (89_900, ("muqi-living",)),
    "home_textiles": (25_900, ("muqi-living", "muqi-outlet")),
    "lighting": (12_900, ("muqi-living",)),
    "tools": (15_900, ("lantu-office", "muqi-outlet")),
    "books": (4_590, ("moxiang-books", "moxiang-children")),
    "stationery": (2_990, ("moxiang-books", "lantu-office")),
    "toys": (12_900, ("moxiang-children", "tongqu-toys")),
    "baby": (16_900, ("tongqu-baby", "tongqu-toys")),
    "fashion": (22_900, ("yunshang-women", "yunshang-men")),
    "shoes": (34_900, ("yunshang-shoes", "yunshang-men")),
    "beauty": (18_900, ("yunshang-beauty",)),
    "sports": (26_900, ("jisu-sports", "jisu-outdoor")),
    "food": (5_990, ("shengxian-fresh", "shengxian-home")),
    "top_ups": (10_000, ("jisu-digital",)),
}
VIRTUAL = {"top_ups"}
MERCHANTS = {
    "lantu": "Lantu Electronics 蓝图电子",
    "huaxia": "Huaxia Digital 华夏数码",
    "jiayuan": "Jiayuan Appliances 佳缘电器",
    "muqi": "Muqi Living 木栖家居",
    "moxiang": "Moxiang Books 墨香书城",
    "tongqu": "Tongqu Kids 童趣母婴",
    "yunshang": "Yunshang Fashion 云裳服饰",
    "jisu": "Jisu Sports 极速运动",
    "shengxian": "Shengxian Fresh 生鲜优选",
}
PRODUCTS_EACH = 12


@dataclass(frozen=True, slots=True)
class Product:
    """One SKU; `price` in fen."""

    sku: str
    category: str
    store: str
    price: int

    @property
    def is_virtual(self) -> bool:
        return self.category in VIRTUAL


def open_stores() -> None:
    """The merchants and their stores, once."""
    stores = sorted({store for _price, sellers in CATEGORIES.values() for store in sellers})
    for code, name in MERCHANTS.items():
        merchant, _created = Merchant.objects.get_or_create(code=code, defaults={"name": name})
        for store in stores:
            if store.split("-")[0] == code:
                title = store.replace("-", " ").title()
                Store.objects.get_or_create(code=store, defaults={"merchant": merchant, "name": title})


def stock(random: Random) -> dict[str, list[Product]]:
    """Products by category; prices lie between a third and twice the typical one and end in 0.90."""
    shelves = {}
    for category, (typical, stores) in CATEGORIES.items():
        shelves[category] = [
            Product(f"{category}-{number:02}", category, random.choice(stores), _price(random, category, typical))
            for number in range(1, PRODUCTS_EACH + 1)
        ]
    return shelves


def _price(random: Random, category: str, typical: int) -> int:
    if category in VIRTUAL:
        return random.choice((3_000, 5_000, 10_000, 20_000))
    return max(typical * random.randint(33, 200) // 10_000 * 100 - 10, 990)
