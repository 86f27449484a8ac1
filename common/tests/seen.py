"""Agreeing to what a page shows (`common.admin.seen`), as a browser does."""

from __future__ import annotations

from typing import Any


def agree(client, address: str, **typed: Any):
    """Look at a page that asks, fill in what it asks for, and say yes to what it shows; the answer to that."""
    asked = client.get(address)
    seen = {"seen": asked.context["form"].initial["seen"]} if asked.status_code == 200 else {}
    return client.post(address, seen | typed, follow=True)
