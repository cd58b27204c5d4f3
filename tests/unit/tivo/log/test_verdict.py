"""Verdicts and troubles."""

from dataclasses import replace
from pathlib import Path

import pytest

from tivo.log.places import Place
from tivo.log.verdict import Trouble, Verdict

TROUBLE = Trouble(file="0.log", what="odd")
VERDICT = Verdict(
    place=Place("quakes", 0, Path("quakes-0"), True),
    segments=1, batches=1, records=1, bytes=1, log_start=0, log_end=1, troubles=(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (TROUBLE, "0.log: odd"),
        (replace(TROUBLE, position=5, end=9), "0.log: odd (bytes 5 to 8)"),
        (replace(TROUBLE, first_offset=5, next_offset=9, set_aside=True), "0.log: odd (offsets 5 to 8, set aside)"),
        (replace(TROUBLE, position=5, end=9, first_offset=1), "0.log: odd (bytes 5 to 8, offsets 1 on)"),
    ],
)
def test_trouble_is_told_on_one_line(trouble: Trouble, told: str) -> None:
    assert told == str(trouble)


def test_only_what_is_not_set_aside_is_bad() -> None:
    aside = replace(TROUBLE, set_aside=True)

    assert [True, True, False] == [
        replace(VERDICT, troubles=troubles).is_good for troubles in ((), (aside,), (aside, TROUBLE))
    ]
