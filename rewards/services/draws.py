"""Draws that anybody can repeat: pure functions of a seed and a message (docs/decisions/0022).

Python needs no more than this to check a play:

    hmac.new(server_seed.encode(), f"{client_seed}:{nonce}".encode(), "sha256").digest()
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from itertools import count

WORD = 1 << 32


def fresh_seed() -> str:
    """256 random bits as 64 hexadecimal digits."""
    return secrets.token_hex(32)


def commitment(server_seed: str) -> str:
    """SHA-256 of the seed's text: published before the first draw."""
    return hashlib.sha256(server_seed.encode()).hexdigest()


def number(server_seed: str, message: str, total: int) -> int:
    """A whole number in [0, total), each equally likely; 1 <= total <= 2^32.

    The 32-byte HMAC-SHA256 is read as eight big-endian words of 32 bits. The first word below the largest multiple of
    `total` counts, modulo `total`; words above it are thrown away, or small numbers would come a little more often.
    Should all eight be thrown away, the next HMAC is that of `message:1`, then `message:2`, and so on.
    """
    if not 1 <= total <= WORD:
        raise ValueError(f"a total between 1 and 2^32, not {total}")
    fair = WORD - WORD % total
    for block in count():
        text = f"{message}:{block}" if block else message
        digest = hmac.new(server_seed.encode(), text.encode(), "sha256").digest()
        for start in range(0, 32, 4):
            word = int.from_bytes(digest[start : start + 4])
            if word < fair:
                return word % total
    raise AssertionError("unreachable")


def pick(weights: Sequence[int], drawn: int) -> int | None:
    """Which of some weights a number falls on, counted up in their order; None above their sum."""
    for position, weight in enumerate(weights):
        if drawn < weight:
            return position
        drawn -= weight
    return None


def winners(server_seed: str, salt: str, tickets: int, prizes: int) -> list[tuple[int, int]]:
    """Draw `prizes` out of tickets 1…`tickets` without replacement; (number drawn, ticket) by place.

    Place k draws `number(seed, "salt:k", tickets left)`; the number-th of the row of tickets wins, and the last one of
    the row takes its place (Fisher–Yates), so that a ticket wins once and no list of a million is moved.
    """
    moved: dict[int, int] = {}
    drawn = []
    for place in range(1, min(prizes, tickets) + 1):
        last = tickets - place
        position = number(server_seed, f"{salt}:{place}", last + 1)
        ticket = moved.get(position, position)
        moved[position] = moved.get(last, last)
        drawn.append((position, ticket + 1))
    return drawn


def salt(client_seeds: Iterable[str]) -> str:
    """What the players of a lottery add: SHA-256 of their seeds in the order of the tickets, a line feed after each."""
    digest = hashlib.sha256()
    for seed in client_seeds:
        digest.update(f"{seed}\n".encode())
    return digest.hexdigest()
