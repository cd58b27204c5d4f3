from struct import Struct

from tivo.log.index import IndexProof, SegmentIndex, SparseIndex, arrival_entries


def offsets() -> SparseIndex:
    return SparseIndex(Struct(">II"), "I")


def filled(*entries: tuple[int, int]) -> SparseIndex:
    index = offsets()
    for key, value in entries:
        index.append(key, value)
    return index


def test_search_finds_the_last_entry_at_or_below_a_key() -> None:
    index = filled((10, 100), (20, 200), (30, 300))

    assert -1 == index.last_at_or_below(9)
    assert (10, 100) == index.entry(index.last_at_or_below(19))
    assert (20, 200) == index.entry(index.last_at_or_below(20))
    assert (30, 300) == index.entry(index.last_at_or_below(1_000))


def test_an_empty_index_finds_nothing() -> None:
    assert -1 == offsets().last_at_or_below(5)
    assert offsets().last_key() is None


def test_entries_are_written_as_kafka_lays_them_out() -> None:
    position, content = filled((1, 2), (3, 0xFFFFFFFF)).unwritten(2)

    assert 0 == position
    assert bytes.fromhex("00000001 00000002 00000003 ffffffff") == content


def test_times_are_written_in_eight_bytes() -> None:
    index = SegmentIndex(0).times
    index.append(1_700_000_000_000, 7)

    assert bytes.fromhex("0000018bcfe56800 00000007") == index.unwritten(1)[1]


def test_only_new_entries_are_written() -> None:
    index = filled((1, 10), (2, 20))
    first = index.unwritten(1)
    index.append(3, 30)

    rest = index.unwritten(3)

    assert (0, bytes.fromhex("00000001 0000000a")) == first
    assert (8, bytes.fromhex("00000002 00000014 00000003 0000001e")) == rest


def test_entries_that_could_not_be_written_are_written_again() -> None:
    index = filled((1, 10), (2, 20))
    proof = index.proof
    first = index.unwritten(2)

    index.rewind(proof)

    assert first == index.unwritten(2)


def test_proof_of_an_index_written_in_parts_holds_for_the_whole() -> None:
    index = filled((1, 10), (2, 20))
    content = index.unwritten(1)[1] + index.unwritten(2)[1]

    loaded = offsets()

    assert loaded.load(content, index.proof)
    assert (2, 20) == loaded.entry(1)
    assert index.proof == loaded.proof
    assert (16, b"") == loaded.unwritten(2)


def test_entries_behind_the_proof_are_left_out() -> None:
    index = filled((1, 10), (2, 20))
    content = index.unwritten(1)[1]

    loaded = offsets()

    assert loaded.load(content + b"later entry", index.proof)
    assert 1 == len(loaded)


def test_a_short_or_altered_file_is_refused() -> None:
    index = filled((1, 10), (2, 20))
    content = index.unwritten(2)[1]

    for wrong in (b"", content[:-1], b"\x01" + content[1:]):
        loaded = offsets()
        assert not loaded.load(wrong, index.proof)
        assert 0 == len(loaded)


def test_an_empty_index_needs_no_file() -> None:
    assert offsets().load(b"", IndexProof(0, 0))


def test_there_is_an_entry_where_the_last_one_is_far_enough_behind() -> None:
    index = SegmentIndex(250)

    for number in range(6):
        index.note(number * 100, number, newest_ms=number, size=100)

    assert [(3, 300)] == [index.offsets.entry(number) for number in range(len(index.offsets))]


def test_time_entries_grow_and_tell_the_newest_time_so_far() -> None:
    index = SegmentIndex(0)

    for number, time_ms in enumerate((50, 90, 70, 90, 91)):
        index.note(number * 100, number, newest_ms=time_ms, size=100)

    assert 4 == len(index.offsets)
    assert [(90, 1), (91, 4)] == [index.times.entry(number) for number in range(len(index.times))]


def test_a_time_entry_names_the_batch_that_brought_the_time() -> None:
    index = SegmentIndex(150)

    for number, time_ms in enumerate((50, 90, 70, 60)):
        index.note(number * 100, number, newest_ms=time_ms, size=100)

    assert [(2, 200)] == [index.offsets.entry(number) for number in range(len(index.offsets))]
    assert [(90, 1)] == [index.times.entry(number) for number in range(len(index.times))]


def test_a_reopened_index_goes_on_from_the_newest_time() -> None:
    index = SegmentIndex(0, newest_ms=90)

    for number, time_ms in enumerate((50, 60, 95, 70)):
        index.note(number * 100, number, newest_ms=time_ms, size=100)

    assert [(95, 2)] == [index.times.entry(number) for number in range(len(index.times))]


def arrivals(*appends: tuple[int, int, int]) -> list[tuple[int, int]]:
    index = SegmentIndex(0)
    for time_us, relative_first, size in appends:
        index.arrived(time_us, relative_first, size)
    return arrival_entries(index.arrivals.unwritten(len(index.arrivals))[1] + b"torn")


def test_an_arrival_has_an_entry_where_the_last_one_is_far_enough_behind() -> None:
    assert [(50, 0), (10_050, 2)] == arrivals((50, 0, 10), (10_049, 1, 10), (10_050, 2, 10))
    assert [(50, 0), (52, 2)] == arrivals((50, 0, 10), (51, 1, 65_535), (52, 2, 1))


def test_a_clock_that_is_set_back_makes_no_entry() -> None:
    assert [(50_000, 0), (60_000, 2)] == arrivals((50_000, 0, 1), (10, 1, 1 << 20), (60_000, 2, 1))


def test_values_are_searched_too() -> None:
    index = filled((10, 100), (20, 200))

    assert [-1, 0, 0, 1] == [index.last_value_at_or_below(value) for value in (99, 100, 199, 500)]


def test_what_had_come_by_a_time_is_known_as_far_as_the_entries_tell() -> None:
    index = SegmentIndex(100)
    assert (None, 0) == (index.arrived_us(5), index.before_arrival(10**9))
    for number in range(3):
        index.arrived(1_000_000 + number * 10_000, number * 5, 10)

    assert [1_000_000, 1_000_000, 1_010_000, 1_020_000] == [index.arrived_us(offset) for offset in (0, 4, 5, 99)]
    assert [0, 0, 0, 5, 10] == [
        index.before_arrival(1_000_000 + since_us) for since_us in (-1, 0, 10_000, 10_001, 10**6)
    ]
