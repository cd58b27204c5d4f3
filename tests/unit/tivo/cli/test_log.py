"""`tivo log` on data directories that no broker holds, and on one that is held."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from tests.support.partitions import SIZE, contents, fill, flip, logs
from tivo.cli import cli, main
from tivo.log.data_dir import lock
from tivo.log.places import Place


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of all data; `quakes` has 40 records."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def place(data: Path) -> Place:
    return fill(data / "log")


Tivo = Callable[..., tuple[int, str, str]]


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """As a shell sees it: exit code, output, messages."""
    monkeypatch.setattr("sys.argv", ["tivo", "log", *arguments])
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    told = capsys.readouterr()
    return code, told.out, told.err


@pytest.fixture
def tivo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tivo:
    return lambda *arguments: run(monkeypatch, capsys, *arguments)


def test_batches_are_dumped(tivo: Tivo, place: Place, data: Path) -> None:
    code, out, _ = tivo("dump", "quakes/0", "--data", str(data), "--from", "38")

    assert 0 == code
    assert ["quakes/0 offsets 38 to 38:", "quakes/0 offsets 39 to 39:"] == [line[:26] for line in out.splitlines()]


def test_records_are_dumped_as_json(tivo: Tivo, place: Place) -> None:
    code, out, _ = tivo("dump", str(place.directory), "--records", "--json", "-n", "3")

    found = [json.loads(line) for line in out.splitlines()]
    assert (0, [(0, "value 00"), (1, "value 01"), (2, "value 02")]) == (
        code, [(record["offset"], record["value"]) for record in found]
    )  # fmt: skip


def test_good_log_is_told(tivo: Tivo, place: Place, data: Path) -> None:
    assert (0, "quakes/0: good, 40 records in 4 segments, offsets 0 to below 40\n", "") == tivo("verify", str(data))


def test_damage_is_told_with_its_place_and_exit_code(tivo: Tivo, place: Place, data: Path) -> None:
    flip(logs(place)[1], 2 * SIZE + 70)

    code, out, err = tivo("verify", str(data))

    assert 1 == code
    assert out.startswith("quakes/0: DAMAGED, 39 records in 4 segments, offsets 0 to below 40\n")
    assert f"{13:020d}.log: the batch at byte 152 (offset 15) is damaged" in out
    assert "(bytes 152 to 227, offsets 15 to 15)" in out
    assert "damaged: quakes/0; `tivo log repair`" in err


def test_verdict_as_json(tivo: Tivo, place: Place, data: Path) -> None:
    flip(logs(place)[1], 2 * SIZE + 70)

    code, out, _ = tivo("verify", "--data", str(data), "--json")

    (verdict,) = [json.loads(line) for line in out.splitlines()]
    assert (1, False, 39, str(place.directory)) == (
        code, verdict["good"], verdict["records"], verdict["place"]["directory"]
    )  # fmt: skip
    assert [(15, 16)] == [(each["first_offset"], each["next_offset"]) for each in verdict["troubles"]]


def test_damage_is_repaired(tivo: Tivo, place: Place, data: Path) -> None:
    flip(logs(place)[1], 2 * SIZE + 70)

    code, out, _ = tivo("repair", str(data))

    assert 0 == code
    assert out.startswith("quakes/0 was damaged:\n")
    assert "quakes/0: good, 39 records" in out
    assert "set aside" in out
    assert 0 == tivo("verify", str(data))[0]
    assert (0, "", "nothing is damaged, nothing was changed\n") == tivo("repair", str(data))


def test_torn_end_is_cut_and_kept(tivo: Tivo, data: Path) -> None:
    place = fill(data / "log", clean=False)
    with logs(place)[3].open("ab") as log:
        log.write(b"torn")

    code, out, _ = tivo("repair", str(data), "--json")

    done = json.loads(out)
    assert (0, True, False) == (code, done["after"]["good"], done["before"]["good"])
    assert [b"torn"] == [Path(copy).read_bytes() for copy in done["copies"]]


def test_repair_names_what_it_kept(tivo: Tivo, data: Path) -> None:
    place = fill(data / "log", clean=False)
    with logs(place)[3].open("ab") as log:
        log.write(b"torn")

    _, out, _ = tivo("repair", str(data))

    assert f"cut off, and kept: {data}/log/.cut/" in out


def test_copy_of_a_partition_is_not_repaired(tivo: Tivo, place: Place, tmp_path: Path) -> None:
    place.directory.rename(tmp_path / "copy-0")

    code, _, err = tivo("repair", str(tmp_path / "copy-0"))

    assert (2, True) == (code, "lies in no data directory" in err)


@pytest.mark.parametrize("action", ["dump", "verify", "repair"])
def test_directory_in_use_is_left_alone_and_its_holder_named(tivo: Tivo, place: Place, data: Path, action: str) -> None:
    before = contents(data)
    held = lock(data / "log")
    try:
        code, out, err = tivo(action, str(data))
    finally:
        held.release()

    assert (78, "") == (code, out)
    assert f"is in use by process {os.getpid()}" in err
    assert before == contents(data)


def test_topic_that_is_not_there_is_told(tivo: Tivo, place: Place, data: Path) -> None:
    code, _, err = tivo("verify", "boats", "--data", str(data))

    assert (2, "tivo: there is no topic named 'boats'\n") == (code, err)


def test_catalog_that_is_damaged_is_told(tivo: Tivo, place: Place, data: Path) -> None:
    catalog = data / "log" / "catalog"
    catalog.write_bytes(b"x" + catalog.read_bytes())

    code, _, err = tivo("verify", str(data))

    assert (1, True) == (code, "does not begin as a catalog" in err)


@pytest.mark.parametrize(("begun", "found"), [("", ["quakes"]), ("q", ["quakes"]), ("b", [])])
def test_topics_are_completed(place: Place, data: Path, begun: str, found: list[str]) -> None:
    shell = ShellComplete(cli, {}, "tivo", "_TIVO_COMPLETE")

    completed = shell.get_completions(["log", "dump", "--data", str(data)], begun)

    assert [(name, "plain") for name in found] + [(begun, "dir")] == [(each.value, each.type) for each in completed]


def test_without_a_log_only_directories_are_completed(data: Path) -> None:
    (data / "log").mkdir()
    (data / "log" / "catalog").write_bytes(b"x")
    shell = ShellComplete(cli, {}, "tivo", "_TIVO_COMPLETE")

    completed = shell.get_completions(["log", "verify", "--data", str(data)], "")

    assert ["dir"] == [each.type for each in completed]
