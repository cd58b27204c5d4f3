from hypothesis import given
from hypothesis import strategies as st

from tivo.log.offset_map import OffsetMap


def test_the_last_offset_of_a_key_counts() -> None:
    newest = OffsetMap(10, salt=b"salt")

    assert newest.put(b"a", 0)
    assert newest.put(b"b", 1)
    assert newest.put(b"a", 7)

    assert [7, 1, -1] == [newest.get(key) for key in (b"a", b"b", b"")]


def test_a_full_map_takes_no_new_key_and_keeps_the_old_ones_up_to_date() -> None:
    newest = OffsetMap(1_000, salt=b"salt", most_slots=8)
    taken = [newest.put(b"%d" % number, number) for number in range(8)]

    assert [True] * 6 + [False] * 2 == taken
    assert newest.put(b"3", 100)
    assert [0, 1, 2, 100, 4, 5, -1, -1] == [newest.get(b"%d" % number) for number in range(8)]


@given(st.lists(st.tuples(st.binary(max_size=3), st.integers(0, 1 << 60)), max_size=200), st.binary(max_size=16))
def test_it_is_a_map(puts: list[tuple[bytes, int]], salt: bytes) -> None:
    newest = OffsetMap(len(puts), salt=salt)

    assert all(newest.put(key, offset) for key, offset in puts)

    assert dict(puts) == {key: newest.get(key) for key, _ in puts}
