"""Ways of spoiling a file, each the same for the same number."""

from __future__ import annotations

import random
import re

HEADER = 2000  # bytes: where most of what a reader believes is written
EXTREME = (0, 1, 2, 127, 128, 255, 256, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 10**15, 2**63 - 1, 2**63, 2**64 - 1)
WORDS = tuple(b"0 -1 1e999 999999999999999999 nan None 65536 4294967295 .. [] {} \xff\xfe".split())


def mutated(content: bytes, number: int) -> bytes:
    """Spoil `content` in the way of this number."""
    chance = random.Random(number)
    ways = (_cut, _flip, _flip_header, _lie, _lie, _lie_in_text, _remove, _repeat, _blank, _splice)
    spoilt = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        ways[chance.randrange(len(ways))](spoilt, chance)
    return bytes(spoilt)


def _at(spoilt: bytearray, chance: random.Random) -> int:
    """Choose a place: as often in the header as anywhere."""
    end = min(len(spoilt), HEADER) if chance.random() < 0.6 else len(spoilt)
    return chance.randrange(max(1, end))


def _cut(spoilt: bytearray, chance: random.Random) -> None:
    del spoilt[_at(spoilt, chance) :]


def _flip(spoilt: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 5, 50))):
        if spoilt:
            spoilt[_at(spoilt, chance)] ^= 1 << chance.randrange(8)


def _flip_header(spoilt: bytearray, chance: random.Random) -> None:
    for _ in range(20):
        if spoilt:
            spoilt[chance.randrange(min(len(spoilt), HEADER))] = chance.randrange(256)


def _lie(spoilt: bytearray, chance: random.Random) -> None:
    """Put an extreme number of 1 to 8 bytes where another number may be."""
    size, order = chance.choice((1, 2, 4, 8)), chance.choice(("little", "big"))
    at = _at(spoilt, chance) & ~(chance.choice((1, size)) - 1)
    spoilt[at : at + size] = (chance.choice(EXTREME) % 256**size).to_bytes(size, order)


def _lie_in_text(spoilt: bytearray, chance: random.Random) -> None:
    """Put another number or word where a number is written out."""
    found = list(re.finditer(rb"\d+", spoilt[:HEADER]))
    if found:
        place = chance.choice(found)
        word = chance.choice(WORDS)
        spoilt[place.start() : place.end()] = word[: len(place[0])] if chance.random() < 0.5 else word


def _remove(spoilt: bytearray, chance: random.Random) -> None:
    at = _at(spoilt, chance)
    del spoilt[at : at + chance.choice((1, 2, 7, 64, 512))]


def _repeat(spoilt: bytearray, chance: random.Random) -> None:
    at, size = _at(spoilt, chance), chance.choice((1, 4, 16, 256))
    spoilt[at:at] = spoilt[at : at + size] * chance.choice((1, 2, 50))


def _blank(spoilt: bytearray, chance: random.Random) -> None:
    at, size = _at(spoilt, chance), chance.choice((4, 16, 256, 4096))
    size = min(size, len(spoilt) - at)
    spoilt[at : at + size] = bytes([chance.choice((0, 255))]) * size


def _splice(spoilt: bytearray, chance: random.Random) -> None:
    """Copy one stretch of the file over another."""
    size = chance.choice((8, 32, 128))
    a, b = _at(spoilt, chance), _at(spoilt, chance)
    part = spoilt[a : a + size]
    spoilt[b : b + len(part)] = part
