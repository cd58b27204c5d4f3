"""Which partitions are meant."""

from pathlib import Path

import pytest

from tests.support.partitions import contents, fill
from tivo.log.disk import ReadOnlyDisk
from tivo.log.places import Place, Places, find
from tivo.model.errors import LogError, RequestError, UnknownTopic

DISK = ReadOnlyDisk()


@pytest.fixture
def log_dir(tmp_path: Path) -> Path:
    """A log with `quakes` and `ships`, in a directory of all data."""
    data = tmp_path / "data" / "log"
    data.parent.mkdir()
    fill(data)
    fill(data, topic="ships", clean=False)
    return data


def names(found: Places) -> list[str]:
    return [place.name for place in found.partitions]


@pytest.mark.parametrize("wanted", [None, ".", ".."])
def test_all_of_a_directory(log_dir: Path, wanted: str | None) -> None:
    found = find(None if wanted is None else str(log_dir / wanted), log_dir, DISK)

    assert ["quakes/0", "ships/0"] == names(found)
    assert found.data_dir is not None and log_dir == found.data_dir.resolve()


@pytest.mark.parametrize("wanted", ["ships", "ships/0"])
def test_topic_or_partition_by_name(log_dir: Path, wanted: str) -> None:
    assert Places(log_dir, [Place("ships", 0, log_dir / "ships-0", False)]) == find(wanted, log_dir, DISK)


def test_partition_by_its_directory(log_dir: Path) -> None:
    found = find(str(log_dir / "ships-0"), Path("elsewhere"), DISK)

    assert (log_dir, ["ships/0"]) == (found.data_dir, names(found))


def test_clean_stop_is_known(log_dir: Path) -> None:
    (log_dir / ".clean").touch()

    assert all(place.clean for place in find(None, log_dir, DISK).partitions)


@pytest.mark.parametrize(("name", "place"), [("my-topic-12", ("my-topic", 12)), ("copy", ("copy", 0))])
def test_copy_of_a_partition_stands_alone(log_dir: Path, tmp_path: Path, name: str, place: tuple[str, int]) -> None:
    (log_dir / "ships-0").rename(tmp_path / name)

    found = find(str(tmp_path / name), log_dir, DISK)

    (alone,) = found.partitions
    assert (None, place, tmp_path / name) == (found.data_dir, (alone.topic, alone.partition), alone.directory)


def test_directory_that_no_topic_owns_is_refused(log_dir: Path) -> None:
    (log_dir / "ships-0").rename(log_dir / "boats-0")

    with pytest.raises(RequestError, match="belongs to no topic"):
        find(str(log_dir / "boats-0"), log_dir, DISK)


def test_topic_that_is_not_there_is_refused(log_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownTopic, match="boats"):
        find("boats", log_dir, DISK)
    with pytest.raises(UnknownTopic):
        find(str(tmp_path), log_dir, DISK)


def test_directory_without_a_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="holds no log of tivo"):
        find(None, tmp_path, DISK)


def test_damaged_catalog_is_told(log_dir: Path) -> None:
    catalog = log_dir / "catalog"
    catalog.write_bytes(b"x" + catalog.read_bytes())

    with pytest.raises(LogError, match="does not begin as a catalog"):
        find(None, log_dir, DISK)


def test_nothing_is_changed(log_dir: Path) -> None:
    before = contents(log_dir)

    find(None, log_dir, DISK)

    assert before == contents(log_dir)
