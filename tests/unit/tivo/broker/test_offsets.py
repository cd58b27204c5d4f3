"""Committed offsets."""

from tivo.broker.offsets import Committed, OffsetRecord, Offsets

TEN = Committed(10, 3, "verbatim", 1_000)
RECORDS = [OffsetRecord("g", "t", 0, TEN), OffsetRecord("g", "u", 1, TEN), OffsetRecord("h", "t", 0, TEN)]


def offsets() -> Offsets:
    made = Offsets()
    for record in RECORDS:
        made.apply(record)
    return made


def test_newest_commit_counts() -> None:
    made = offsets()
    made.apply(OffsetRecord("g", "t", 0, TEN._replace(offset=4)))

    assert 4 == (made.of("g", "t", 0) or TEN).offset
    assert TEN == made.of("h", "t", 0)
    assert None is made.of("g", "t", 1)
    assert None is made.of("nobody", "t", 0)


def test_all_of_a_group() -> None:
    assert {("t", 0): TEN, ("u", 1): TEN} == offsets().of_group("g")
    assert {} == offsets().of_group("nobody")


def test_group_without_offsets_is_gone() -> None:
    made = offsets()
    for record in made.removals("g"):
        made.apply(record)

    assert ["h"] == list(made.groups())


def test_removing_what_is_not_there_changes_nothing() -> None:
    made = offsets()
    made.apply(OffsetRecord("nobody", "t", 0, None))
    made.apply(OffsetRecord("g", "t", 9, None))

    assert RECORDS == list(made)


def test_topic_that_is_gone_is_forgotten_by_all_groups() -> None:
    made = offsets()
    for record in made.removals_of_topic("t"):
        made.apply(record)

    assert [RECORDS[1]] == list(made)


def test_records_make_it_again() -> None:
    again = Offsets()
    for record in offsets():
        again.apply(record)

    assert list(offsets()) == list(again)
    assert 3 == len(again)
