"""Bytes made from good ones: flipped, cut, repeated, put together, with numbers that cannot be."""

import random
from collections.abc import Iterator, Sequence

NUMBERS = [
    b"\xff",
    b"\x7f\xff",
    b"\x80\x00",
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\xff" * 9 + b"\x01",
    bytes(4),
]


def mutated(seeds: Sequence[bytes], dice: random.Random, *, most_bytes: int) -> Iterator[bytes]:
    """As many as anybody wants; the seeds come first."""
    yield from seeds
    while True:
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.randint(1, 4)):
            _harm(data, seeds, dice)
        yield bytes(data[:most_bytes])


def _harm(data: bytearray, seeds: Sequence[bytes], dice: random.Random) -> None:
    at = dice.randrange(len(data) + 1)
    match dice.choice(("bit", "byte", "cut", "number", "repeat", "splice", "noise")):
        case "bit" if at < len(data):
            data[at] ^= 1 << dice.randrange(8)
        case "byte" if at < len(data):
            data[at] = dice.randrange(256)
        case "cut":
            del data[at : at + dice.randrange(1, 20)]
        case "number":
            number = dice.choice(NUMBERS)
            data[at : at + len(number)] = number
        case "repeat":
            data[at:at] = data[at : at + dice.randrange(1, 60)] * dice.randrange(1, 4)
        case "splice":
            data[at:] = dice.choice(seeds)[at:]
        case _:
            data[at:at] = dice.randbytes(dice.randrange(1, 9))
