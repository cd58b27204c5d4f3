"""The checker itself: a right history is clean, and each kind of wrong turns it red."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.history import Entry, History, Outcome, check, read_history


def sent(time: int, name: str, offset: int | None, outcome: Outcome = "ok", process: str = "p1") -> Entry:
    return Entry(time, process, "send", name, "q-0", offset, outcome)


def read(time: int, name: str, offset: int, process: str = "r1") -> Entry:
    return Entry(time, process, "read", name, "q-0", offset)


RIGHT = [
    sent(1, "a", 0),
    sent(2, "b", 1),
    sent(3, "c", None, "unknown"),
    sent(4, "d", None, "unknown"),
    sent(5, "e", 3),
    sent(6, "f", None, "fail"),
    sent(1, "x", 4, process="p2"),
    read(10, "a", 0),
    read(11, "b", 1),
    read(12, "c", 2),
    read(13, "e", 3),
    read(14, "x", 4),
]


def test_a_right_history_is_clean() -> None:
    assert set() == check(RIGHT).kinds
    assert "" == str(check(RIGHT))


@pytest.mark.parametrize("name", ["c", "d"])
def test_an_unknown_outcome_may_be_there_or_not(name: str) -> None:
    assert set() == check([entry for entry in RIGHT if (entry.operation, entry.id) != ("read", name)]).kinds


def test_an_acknowledged_record_that_no_reader_saw_is_lost() -> None:
    findings = check([entry for entry in RIGHT if (entry.operation, entry.id) != ("read", "b")])

    assert {"lost"} == findings.kinds
    assert "b, acknowledged at 1 of q-0" in str(findings)


def test_a_partition_that_nobody_could_read_is_lost() -> None:
    assert ["a, acknowledged at 0 of q-0"] == check([sent(1, "a", 0)]).lost


def test_a_record_that_only_an_earlier_pass_saw_is_lost() -> None:
    again = [read(20, "a", 0, "r2"), read(21, "c", 2, "r2"), read(22, "e", 3, "r2"), read(23, "x", 4, "r2")]

    assert {"lost"} == check([*RIGHT, *again]).kinds


def test_what_lay_before_the_start_of_the_log_is_not_lost() -> None:
    reads = [entry for entry in RIGHT if entry.operation == "send" or (entry.offset or 0) >= 2]

    assert set() == check(reads, log_starts={"q-0": 2}).kinds
    assert {"lost"} == check(reads, log_starts={"q-0": 1}).kinds


def test_a_record_at_two_offsets_is_a_duplicate() -> None:
    assert {"duplicate"} == check([*RIGHT, read(20, "b", 9)]).kinds


def test_two_passes_may_see_the_same() -> None:
    again = [
        read(20 + n, entry.id, entry.offset or 0, "r2") for n, entry in enumerate(RIGHT) if entry.operation == "read"
    ]

    assert set() == check([*RIGHT, *again]).kinds


def test_a_producers_records_out_of_its_order_are_reordered() -> None:
    findings = check([sent(1, "a", 1), sent(2, "b", 0), read(3, "b", 0), read(4, "a", 1)])

    assert {"reordered"} == findings.kinds
    assert "p1 sent a before b, which is read first" in str(findings)


def test_offsets_that_fall_are_reordered() -> None:
    assert {"reordered"} == check(
        [sent(1, "a", 0), sent(1, "x", 1, process="p2"), read(3, "x", 1), read(4, "a", 0)]
    ).kinds


def test_an_unknown_record_is_not_held_to_an_order() -> None:
    late = [sent(1, "a", None, "unknown"), sent(2, "b", 0), read(3, "b", 0), read(4, "a", 1)]

    assert set() == check(late).kinds


def test_a_record_read_elsewhere_than_acknowledged_has_moved() -> None:
    assert {"moved"} == check([sent(1, "a", 0), read(2, "a", 1)]).kinds


def test_an_offset_with_two_records_has_moved() -> None:
    entries = [sent(1, "a", None, "unknown"), sent(2, "b", None, "unknown"), read(3, "a", 0), read(4, "b", 0, "r2")]

    findings = check(entries)

    assert {"moved"} == findings.kinds
    assert "q-0 at 0 is a, and b" in str(findings)


def test_two_acknowledgements_of_one_offset_have_moved() -> None:
    assert "moved" in check([sent(1, "a", 0), sent(2, "b", 0), read(3, "a", 0)]).kinds


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (read(20, "never", 9), "never at 9 of q-0, never sent"),
        (read(20, "f", 9), "f at 9 of q-0, refused"),
        (Entry(20, "r1", "read", "d", "q-1", 0), "d at 0 of q-1, sent to q-0"),
    ],
)
def test_a_record_that_should_not_be_there_is_a_phantom(entry: Entry, told: str) -> None:
    findings = check([*RIGHT, entry])

    assert {"phantom"} == findings.kinds
    assert [told] == findings.phantom


MUTANTS: dict[str, tuple[Callable[[list[Entry]], list[Entry]], str]] = {
    "a read dropped": (lambda right: right[:-1], "lost"),
    "a read repeated further on": (lambda right: [*right, read(30, "a", 99)], "duplicate"),
    "two reads exchanged": (lambda right: [*right[:7], right[8], right[7], *right[9:]], "reordered"),
    "all offsets shifted by one": (
        lambda right: [*right[:7], *(read(e.time, e.id, (e.offset or 0) + 1) for e in right[7:])],
        "moved",
    ),
    "a send forgotten": (lambda right: right[1:], "phantom"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_every_mutant_of_a_right_history_is_red(name: str) -> None:
    mutate, kind = MUTANTS[name]

    assert kind in check(mutate(RIGHT)).kinds


def test_a_history_is_read_as_it_was_written_but_for_a_torn_last_line(tmp_path: Path) -> None:
    history = History(tmp_path / "h.jsonl")
    for entry in RIGHT:
        history.add(entry)
    history.close()
    with (tmp_path / "h.jsonl").open("ab") as file:
        file.write(b'{"time":99,"process":"p1"')

    assert RIGHT == list(read_history(tmp_path / "h.jsonl"))
