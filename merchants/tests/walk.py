"""Every address below a prefix, and every field of a form, found by themselves: nobody has to remember a new page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import product

from django.contrib.admindocs.views import simplify_regex
from django.urls import URLPattern, URLResolver, get_resolver

_PLACE = re.compile(r"<(?:(\w+):)?\w+>")


def routes(prefix: str) -> list[str]:
    """The routes of the whole house that begin with the prefix, `<int:pk>` and all."""
    return sorted({route for route in _flat(get_resolver().url_patterns) if route.startswith(prefix)})


def _flat(patterns, before: str = "/") -> Iterator[str]:
    for pattern in patterns:
        here = str(pattern.pattern)
        if here.startswith("^") or "(?P" in here:
            here = simplify_regex(here).lstrip("/")
        if isinstance(pattern, URLResolver):
            yield from _flat(pattern.url_patterns, before + here)
        elif isinstance(pattern, URLPattern):
            yield before + here


def fill(route: str, ids: dict[str, set[str]]) -> Iterator[str]:
    """The addresses of a route with every id that could stand in each of its places; `ids` by "int", "uuid", "str"."""
    kinds = [match.group(1) for match in _PLACE.finditer(route)]
    every = sorted(set().union(*ids.values()))
    choices = [sorted(ids[kind]) if kind in ("int", "uuid") else every for kind in kinds]
    for values in product(*choices):
        found = iter(values)
        yield _PLACE.sub(lambda _match, found=found: next(found), route)


class Page(HTMLParser):
    """What a page lets one do: the fields of its POST forms with their values, and the addresses it leads to."""

    def __init__(self, html: str):
        super().__init__()
        self.fields: dict[str, str] = {}
        self.selects: set[str] = set()
        self.links: set[str] = set()
        self._posts = False
        self._select = self._area = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        has = dict(attrs)
        if tag == "a" and has.get("href", "").startswith("/"):
            self.links.add(has["href"])
        if tag == "form":
            self._posts = has.get("method", "").lower() == "post"
        name = has.get("name") or ""
        if not self._posts or (tag != "option" and not name):
            return
        if tag == "input" and has.get("type") not in ("checkbox", "radio", "submit", "file"):
            self.fields[name] = has.get("value") or ""
        elif tag == "input" and "checked" in has:
            self.fields[name] = has.get("value") or "on"
        elif tag == "select":
            self._select = name
            self.selects.add(name)
            self.fields.setdefault(name, "")
        elif tag == "option" and self._select and "selected" in has:
            self.fields[self._select] = has.get("value") or ""
        elif tag == "textarea":
            self._area = name
            self.fields[name] = ""

    def handle_endtag(self, tag):
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""
        elif tag == "form":
            self._posts = False

    def handle_data(self, data):
        if self._area:
            self.fields[self._area] += data
