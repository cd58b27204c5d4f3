"""Committed offsets."""

from tivo.broker.offsets import Committed, Ended, OffsetRecord, Offsets, Pending
from tivo.broker.transactions import Producer
from tivo.wire.control import Marker

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


SEVEN, EIGHT = Producer(7, 0), Producer(8, 2)
TWENTY = TEN._replace(offset=20)


def waiting() -> Offsets:
    """Of a transaction of producer 7 that is open, and one of 8."""
    made = offsets()
    made.apply(Pending(SEVEN, OffsetRecord("g", "t", 0, TWENTY)))
    made.apply(Pending(SEVEN, OffsetRecord("g", "t", 5, TWENTY)))
    made.apply(Pending(EIGHT, OffsetRecord("h", "u", 1, TWENTY)))
    return made


def test_offset_of_an_open_transaction_does_not_count() -> None:
    made = waiting()

    assert TEN == made.of("g", "t", 0)
    assert RECORDS == list(made)
    assert [True, True, False] == [made.is_pending("g", "t", partition) for partition in (0, 5, 1)]
    assert {("t", 0), ("t", 5)} == made.pending_of_group("g")


def test_commit_lets_it_count() -> None:
    made = waiting()
    made.apply(Ended(7, Marker.COMMIT))

    assert [TWENTY, TWENTY] == [made.of("g", "t", partition) for partition in (0, 5)]
    assert None is made.of("h", "u", 1)
    assert (False, True) == (made.is_pending("g", "t", 0), made.is_pending("h", "u", 1))


def test_abort_drops_it() -> None:
    made = waiting()
    made.apply(Ended(7, Marker.ABORT))
    made.apply(Ended(7, Marker.COMMIT))

    assert RECORDS == list(made)
    assert not made.is_pending("g", "t", 0)


def test_whoever_has_committed_or_is_about_to_uses_it() -> None:
    made = offsets()
    made.apply(Pending(SEVEN, OffsetRecord("i", "t", 0, TEN)))

    assert {"g", "h", "i"} == made.users()


def test_newest_of_a_transaction_counts() -> None:
    made = waiting()
    made.apply(Pending(SEVEN, OffsetRecord("g", "t", 0, TEN._replace(offset=30))))
    made.apply(Ended(7, Marker.COMMIT))

    assert 30 == (made.of("g", "t", 0) or TEN).offset


def test_what_waits_is_told_by_producer_and_makes_it_again() -> None:
    again = Offsets()
    for producer, records in waiting().pending():
        for record in records:
            again.apply(Pending(producer, record))

    assert waiting().pending() == again.pending()
    assert [(SEVEN, 2), (EIGHT, 1)] == [(producer, len(records)) for producer, records in again.pending()]


def test_what_is_removed_does_not_come_back_with_a_transaction() -> None:
    made = waiting()
    for record in made.removals_of_topic("t"):
        made.apply(record)
    made.apply(Ended(7, Marker.COMMIT))

    assert [RECORDS[1]] == list(made)
    assert [EIGHT] == [producer for producer, _ in made.pending()]


def test_group_that_is_deleted_takes_along_what_waits() -> None:
    made = waiting()
    for record in made.removals("g"):
        made.apply(record)
    made.apply(Ended(7, Marker.COMMIT))

    assert {} == made.of_group("g")


# ------------------------------------------------------------------ topics that are gone

NEW, OLD = bytes(15) + b"n", bytes(15) + b"o"


def test_offset_is_of_its_topic_or_of_one_that_nobody_knows() -> None:
    assert TEN.is_of(NEW)
    assert TEN._replace(topic_id=NEW).is_of(NEW)
    assert not TEN._replace(topic_id=OLD).is_of(NEW)


def test_offsets_of_topics_that_are_gone_are_dropped() -> None:
    made = Offsets()
    stand = [
        OffsetRecord("g", "t", 0, TEN._replace(topic_id=NEW)),
        OffsetRecord("g", "t", 1, TEN),
        OffsetRecord("i", "t", 0, None),
    ]
    gone = [OffsetRecord("g", "t", 2, TEN._replace(topic_id=OLD)), OffsetRecord("h", "u", 0, TEN)]
    for record in [*stand[:2], *gone]:
        made.apply(record)
    for record in [*stand, *gone]:
        made.apply(Pending(SEVEN, record))

    made.drop_gone({"t": NEW}.get)

    assert stand[:2] == list(made)
    assert [(SEVEN, stand)] == made.pending()
    assert ["g"] == list(made.groups())
