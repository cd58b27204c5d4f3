import errno
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from tests.support.faulty_disk import Fault, FaultyDisk
from tivo.log.catalog import Catalog
from tivo.log.catalog_journal import JOURNAL
from tivo.log.data_dir import CLEAN
from tivo.log.disk import Disk, OsDisk, ReadOnlyDisk
from tivo.model.errors import LogError, RequestError, UnknownTopic


def ids() -> Callable[[], UUID]:
    numbers = iter(range(1, 100_000))
    return lambda: UUID(int=next(numbers))


def opened(directory: Path, disk: Disk | None = None, *, rewrite_above: int = 1_000) -> Catalog:
    return Catalog.open(directory, disk=disk, new_id=ids(), rewrite_above=rewrite_above)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def with_directories(catalog: Catalog, name: str) -> list[Path]:
    topic = catalog.get(name)
    directories = [catalog.directory(topic, partition) for partition in range(topic.partitions)]
    for directory in directories:
        directory.mkdir()
        (directory / "00000000000000000000.log").write_bytes(b"records")
    return directories


def deleted(catalog: Catalog, name: str) -> None:
    catalog.delete(name)
    catalog.remove_deleted()


def test_topics_are_there_after_a_restart(tmp_path: Path) -> None:
    first = opened(tmp_path / "data")
    first.create("quakes", 3, {"retention.ms": "1000"})
    first.create("ships", 1)

    again = opened(tmp_path / "data")

    assert first.topics() == again.topics()
    assert ("quakes", UUID(int=1), 3) == (
        again.get("quakes").name,
        again.get("quakes").id,
        again.get("quakes").partitions,
    )
    assert {"retention.ms": "1000"} == again.get("quakes").settings
    assert again.get("ships") == again.by_id(UUID(int=2))


def test_who_only_looks_sees_the_topics_and_changes_nothing(tmp_path: Path) -> None:
    catalog = opened(tmp_path)
    catalog.create("quakes", 3)
    catalog.create("ships", 1)
    deleted(catalog, "ships")
    catalog.close(clean=True)
    with (tmp_path / JOURNAL).open("ab") as journal:
        journal.write(b"torn")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    assert ["quakes"] == [topic.name for topic in Catalog.look(tmp_path, ReadOnlyDisk())]

    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert [] == Catalog.look(tmp_path / "nowhere", ReadOnlyDisk())


def test_each_change_is_synced_before_it_is_confirmed(tmp_path: Path) -> None:
    disk = FaultyDisk()
    catalog = opened(tmp_path, disk)

    for change in (
        lambda: catalog.create("quakes", 1),
        lambda: catalog.grow("quakes", 2),
        lambda: catalog.delete("quakes"),
        catalog.remove_deleted,
    ):
        disk.done.clear()
        change()
        assert ("fdatasync", JOURNAL) == disk.done[-1]


def test_a_topic_grows_but_does_not_shrink(tmp_path: Path) -> None:
    catalog = opened(tmp_path)
    catalog.create("quakes", 2)

    assert 5 == catalog.grow("quakes", 5).partitions == opened(tmp_path).get("quakes").partitions
    with pytest.raises(RequestError, match="has 5 partitions, cannot be given 5"):
        catalog.grow("quakes", 5)


def test_a_topic_is_given_other_settings(tmp_path: Path) -> None:
    catalog = opened(tmp_path / "data")
    made = catalog.create("quakes", 2, {"retention.ms": "1000", "segment.ms": "5"})

    altered = catalog.alter("quakes", {"retention.ms": "2000"})

    assert (made.id, 2, {"retention.ms": "2000"}) == (altered.id, altered.partitions, altered.settings)
    assert altered == opened(tmp_path / "data").get("quakes")
    with pytest.raises(UnknownTopic):
        catalog.alter("ships", {})


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    catalog = opened(tmp_path)
    catalog.create("quakes", 1)

    with pytest.raises(RequestError, match="'quakes' exists already"):
        catalog.create("quakes", 1)


def test_unknown_topics_are_named(tmp_path: Path) -> None:
    catalog = opened(tmp_path)

    with pytest.raises(UnknownTopic, match="quakes"):
        catalog.get("quakes")
    with pytest.raises(UnknownTopic, match=str(UUID(int=7))):
        catalog.by_id(UUID(int=7))


def test_a_topic_cannot_be_altered_from_outside(tmp_path: Path) -> None:
    settings = {"a": "1"}
    topic = opened(tmp_path).create("quakes", 1, settings)

    settings["a"] = "2"

    assert {"a": "1"} == topic.settings
    with pytest.raises(TypeError):
        topic.settings["a"] = "3"  # type: ignore[index]  # that it cannot be done is what is tested


def test_a_deleted_topic_is_gone_with_its_directories(tmp_path: Path) -> None:
    catalog = opened(tmp_path)
    catalog.create("quakes", 2)
    directories = with_directories(catalog, "quakes")

    catalog.delete("quakes")
    assert "quakes" not in catalog
    assert catalog.has_deleted
    catalog.remove_deleted()

    assert not catalog.has_deleted
    assert [] == catalog.topics() == opened(tmp_path).topics()
    assert not any(directory.exists() for directory in directories)
    assert [JOURNAL] == names(tmp_path)
    with pytest.raises(UnknownTopic):
        catalog.by_id(UUID(int=1))


def test_a_topic_made_anew_has_another_id(tmp_path: Path) -> None:
    catalog = opened(tmp_path)
    first = catalog.create("quakes", 1)
    deleted(catalog, "quakes")

    second = catalog.create("quakes", 1)

    assert first.id != second.id
    assert [second] == Catalog.open(tmp_path).topics()


@pytest.mark.parametrize("operation", ["rename", "fsync_dir", "unlink"])
def test_a_deletion_that_was_cut_short_is_ended_at_the_next_open(tmp_path: Path, operation: str) -> None:
    catalog = opened(tmp_path, disk := FaultyDisk())
    catalog.create("quakes", 2)
    with_directories(catalog, "quakes")
    disk.faults.append(Fault(operation=operation, error=errno.EIO))

    catalog.delete("quakes")
    with pytest.raises(LogError, match="'quakes' is deleted, its directories are not removed yet"):
        catalog.remove_deleted()

    assert [] == opened(tmp_path).topics()
    assert [JOURNAL] == names(tmp_path)


def test_a_deletion_cut_short_leaves_a_new_topic_of_the_same_name_alone(tmp_path: Path) -> None:
    catalog = opened(tmp_path, disk := FaultyDisk())
    catalog.create("quakes", 1)
    with_directories(catalog, "quakes")
    disk.faults.append(Fault(operation="unlink", error=errno.EIO))
    with pytest.raises(LogError):
        deleted(catalog, "quakes")
    catalog.create("quakes", 1)
    (directory,) = with_directories(catalog, "quakes")

    again = opened(tmp_path)

    assert ["quakes"] == [topic.name for topic in again.topics()]
    assert directory.exists()
    assert [JOURNAL, "quakes-0"] == names(tmp_path)


def test_deletions_do_not_wait_for_one_that_fails(tmp_path: Path) -> None:
    catalog = opened(tmp_path, disk := FaultyDisk())
    for name in ("quakes", "ships"):
        catalog.create(name, 1)
        with_directories(catalog, name)
        catalog.delete(name)
    disk.faults.append(Fault(operation="rename", error=errno.EIO, name=f"{UUID(int=1).hex}-0.deleted"))

    with pytest.raises(LogError, match="'quakes' is deleted"):
        catalog.remove_deleted()
    assert [JOURNAL, "quakes-0"] == names(tmp_path)
    disk.faults.clear()
    catalog.remove_deleted()

    assert [JOURNAL] == names(tmp_path)


def test_a_topic_made_anew_is_not_kept_waiting_by_directories_that_were_not_removed(tmp_path: Path) -> None:
    catalog = opened(tmp_path, disk := FaultyDisk())
    catalog.create("quakes", 2)
    with_directories(catalog, "quakes")
    disk.faults.append(Fault(operation="rename", error=errno.EIO))
    with pytest.raises(LogError):
        deleted(catalog, "quakes")
    with pytest.raises(LogError, match="'quakes' is deleted, its directories are not removed yet"):
        catalog.create("quakes", 1)
    disk.faults.clear()
    disk.done.clear()

    catalog.create("quakes", 1)

    assert [("fsync_dir", tmp_path.name), ("pwrite", JOURNAL)] == [
        one for one in disk.done if one[0] in ("fsync_dir", "pwrite")
    ]
    (directory,) = with_directories(catalog, "quakes")
    catalog.remove_deleted()
    assert [JOURNAL, "quakes-0"] == names(tmp_path)
    assert directory.exists()


def test_a_deletion_that_a_full_disk_did_not_take_has_changed_nothing(tmp_path: Path) -> None:
    catalog = opened(tmp_path, disk := FaultyDisk())
    catalog.create("quakes", 1)
    disk.faults.append(Fault(operation="pwrite", name=JOURNAL, error=errno.ENOSPC))

    with pytest.raises(LogError, match="for now"):
        catalog.delete("quakes")

    assert "quakes" in catalog
    assert not catalog.has_deleted
    disk.faults.clear()
    deleted(catalog, "quakes")
    assert [] == opened(tmp_path).topics()


def test_a_topic_whose_deletion_is_in_doubt_is_served_no_more_and_keeps_its_directories(tmp_path: Path) -> None:
    catalog = opened(tmp_path, disk := FaultyDisk())
    catalog.create("quakes", 1)
    with_directories(catalog, "quakes")
    disk.faults.append(Fault(operation="fdatasync", name=JOURNAL, error=errno.EIO))
    with pytest.raises(LogError, match="takes no changes since"):
        catalog.delete("quakes")
    disk.faults.clear()

    with pytest.raises(LogError, match="takes no changes since"):
        catalog.create("quakes", 1)
    catalog.remove_deleted()

    assert "quakes" not in catalog
    assert [JOURNAL, "quakes-0"] == names(tmp_path)


def test_a_directory_that_cannot_be_looked_for_is_a_failure_of_the_disk(tmp_path: Path) -> None:
    class Unreadable(FaultyDisk):
        def exists(self, path: Path) -> bool:
            if path.name == "quakes-0":
                raise OSError(errno.EIO, "Input/output error")
            return super().exists(path)

    with pytest.raises(LogError, match=r"'quakes' cannot be given .*quakes-0: .*Input/output"):
        opened(tmp_path, Unreadable()).create("quakes", 1)


def test_a_directory_that_no_topic_owns_is_not_taken_over(tmp_path: Path) -> None:
    catalog = opened(tmp_path)
    catalog.create("ships", 1)
    (tmp_path / "quakes-1").mkdir()
    (tmp_path / "ships-1").mkdir()

    with pytest.raises(LogError, match="quakes-1 exists, but no topic owns it"):
        catalog.create("quakes", 2)
    with pytest.raises(LogError, match="ships-1 exists, but no topic owns it"):
        catalog.grow("ships", 2)

    assert ["ships"] == [topic.name for topic in catalog.topics()]


def test_a_long_journal_is_written_anew(tmp_path: Path) -> None:
    catalog = opened(tmp_path)
    for number in range(10):
        catalog.create("quakes", 1, {"n": str(number)})
        deleted(catalog, "quakes")
    kept = catalog.create("ships", 2, {"a": "b"})

    again = opened(tmp_path, rewrite_above=5)

    assert [kept] == again.topics() == opened(tmp_path).topics()
    assert 2 == len((tmp_path / JOURNAL).read_bytes().splitlines())


def test_a_rewritten_journal_still_knows_what_is_to_be_removed(tmp_path: Path) -> None:
    catalog = opened(tmp_path, disk := FaultyDisk())
    for number in range(10):
        catalog.create(f"t{number}", 1)
        deleted(catalog, f"t{number}")
    catalog.create("quakes", 1)
    with_directories(catalog, "quakes")
    disk.faults.append(Fault(operation="unlink", error=errno.EIO))
    catalog.delete("quakes")
    with pytest.raises(LogError, match="Input/output"):
        opened(tmp_path, FaultyDisk(Fault(operation="unlink", error=errno.EIO)), rewrite_above=5)
    opened(tmp_path)

    assert [JOURNAL] == names(tmp_path)


def test_a_clean_stop_is_known_once(tmp_path: Path) -> None:
    catalog = opened(tmp_path)
    assert not catalog.was_clean
    catalog.close(clean=True)

    assert opened(tmp_path).was_clean
    assert not (tmp_path / CLEAN).exists()
    assert not opened(tmp_path).was_clean


def test_an_unclean_stop_leaves_no_mark(tmp_path: Path) -> None:
    opened(tmp_path).close(clean=False)

    assert not opened(tmp_path).was_clean


def test_the_mark_of_a_clean_stop_is_durably_gone_before_anything_is_opened(tmp_path: Path) -> None:
    opened(tmp_path).close(clean=True)
    disk = FaultyDisk()

    opened(tmp_path, disk)

    assert [("unlink", CLEAN), ("fsync_dir", tmp_path.name)] == disk.done[-2:]


def test_a_catalog_opens_on_the_disk_of_the_system(tmp_path: Path) -> None:
    topic = Catalog.open(tmp_path).create("quakes", 1)

    assert [topic] == Catalog.open(tmp_path, disk=OsDisk()).topics()
    assert 4 == topic.id.version
