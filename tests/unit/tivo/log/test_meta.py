from pathlib import Path

from tivo.log.disk import OsDisk
from tivo.log.index import IndexProof
from tivo.log.meta import Damage, PartitionState, SegmentMeta, read_meta, read_state, write_checked

DISK = OsDisk()


def test_meta_is_read_as_it_was_written(tmp_path: Path) -> None:
    meta = SegmentMeta(bytes=10, next_offset=3, batches=2, records=3, offsets=IndexProof(1, 0xFFFFFFFF))

    write_checked(DISK, tmp_path / "m", meta)

    assert meta == read_meta(DISK, tmp_path / "m")


def test_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    state = PartitionState(log_start=5, epochs=((0, 0), (2, 9)), damage=(Damage(0, 1, 2, 3, 4),))

    write_checked(DISK, tmp_path / "s", state)

    assert state == read_state(DISK, tmp_path / "s")


def test_what_is_missing_or_not_whole_is_not_believed(tmp_path: Path) -> None:
    write_checked(DISK, tmp_path / "m", SegmentMeta(bytes=10))
    whole = (tmp_path / "m").read_bytes()

    assert read_meta(DISK, tmp_path / "none") is None
    assert read_state(DISK, tmp_path / "none") is None
    for wrong in (b"", whole[:-1], whole.replace(b"10", b"11")):
        (tmp_path / "m").write_bytes(wrong)
        assert read_meta(DISK, tmp_path / "m") is None
        assert read_state(DISK, tmp_path / "m") is None


def test_a_leader_epoch_begins_at_the_end_of_the_log() -> None:
    state = PartitionState().raised(10).raised(25)

    assert 2 == state.leader_epoch
    assert ((0, 0), (1, 10), (2, 25)) == state.epochs


def test_an_epoch_in_which_nothing_was_written_gives_way() -> None:
    assert ((0, 0), (2, 10)) == PartitionState().raised(10).raised(10).epochs
    assert ((0, 0), (3, 5)) == PartitionState().raised(10).raised(20).raised(5).epochs


def test_an_epoch_is_raised_at_least_so_far() -> None:
    assert 7 == PartitionState().raised(10, least=7).leader_epoch
    assert 1 == PartitionState().raised(10, least=0).leader_epoch


def test_the_end_of_an_epoch_is_the_start_of_the_next() -> None:
    state = PartitionState(epochs=((0, 0), (2, 10), (5, 25)))

    assert (0, 10) == state.epoch_end(0, 40)
    assert (0, 10) == state.epoch_end(1, 40)
    assert (2, 25) == state.epoch_end(2, 40)
    assert (5, 40) == state.epoch_end(5, 40)


def test_an_epoch_to_come_is_unknown() -> None:
    assert (-1, -1) == PartitionState().epoch_end(1, 40)


def test_an_epoch_before_all_known_ends_where_they_begin() -> None:
    assert (0, 10) == PartitionState(epochs=((2, 10),)).epoch_end(0, 40)
