"""The part of an exported file: what is there survives, and nothing else counts."""

import os
import sys
from pathlib import Path

import msgspec
import pytest

from tivo.client.exported import csv_head
from tivo.client.exporting import Asked, Format, Part, folder_of, format_of, growing
from tivo.model.errors import NeighbourError, RequestError

ASKED = Asked(topic="quakes", start="-1h", keys=("a*",))
EVENT = (
    b'{"topic":"t","partition":0,"offset":%d,"time_us":1,"received_us":2,"id":"i","key":null,"value":1,"headers":{}}'
)


def events(*offsets: int) -> list[msgspec.Raw]:
    return [msgspec.Raw(EVENT % offset) for offset in offsets]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "out.ndjson"


class Killed(Exception):
    """Where a process would have died."""


def die_behind_the_first_page(file: Path) -> None:
    with pytest.raises(Killed), growing(file, format_of(file), ASKED) as part:
        part.append(events(0, 1), "/next", 77)
        raise Killed


@pytest.mark.parametrize(
    ("name", "how"), [("a.ndjson", "ndjson"), ("a.jsonl", "ndjson"), ("a.CSV", "csv"), ("b.a.parquet", "parquet")]
)
def test_the_end_of_a_name_says_the_format(name: str, how: str) -> None:
    assert how == format_of(Path(name)).name


@pytest.mark.parametrize("name", ["a", "a.txt", "-", ".csv", "csv"])
def test_any_other_end_is_refused(name: str) -> None:
    with pytest.raises(RequestError, match=r"says no format: an export ends in \.ndjson, \.jsonl, \.csv, \.parquet"):
        format_of(Path(name))


def test_parquet_is_refused_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tivo.client.parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(RequestError, match=r"a Parquet file takes pyarrow: install tivo\[parquet\]"):
        format_of(Path("a.parquet"))


def test_the_file_is_there_once_it_is_whole(file: Path) -> None:
    with growing(file, format_of(file), ASKED) as part:
        part.append(events(0, 1), "/next", 77)
        assert not file.exists()
        part.append(events(2), None, 99)
        size = part.finish()

    assert EVENT % 0 + b"\n" + EVENT % 1 + b"\n" + EVENT % 2 + b"\n" == file.read_bytes()
    assert (size, 3, 77) == (file.stat().st_size, part.progress.events, part.progress.complete_to_us)
    assert not folder_of(file).exists()


def test_an_export_of_nothing_is_a_file_too(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"

    with growing(file, format_of(file), ASKED) as part:
        part.append([], None, None)
        part.finish()

    assert csv_head() == file.read_bytes()
    assert not folder_of(file).exists()


def test_what_was_written_behind_the_last_page_is_not_kept(file: Path) -> None:
    die_behind_the_first_page(file)
    with (folder_of(file) / "data.ndjson").open("ab") as data:
        data.write(b'{"half a li')

    with growing(file, format_of(file), ASKED) as part:
        assert ("/next", 2, 77) == (part.progress.next, part.progress.events, part.progress.complete_to_us)
        part.append(events(2), None, 99)
        part.finish()

    assert b"".join(EVENT % n + b"\n" for n in range(3)) == file.read_bytes()


def test_a_part_from_before_the_first_page_begins_anew(file: Path) -> None:
    folder_of(file).mkdir()
    (folder_of(file) / "data.ndjson").write_bytes(b"half")

    with growing(file, format_of(file), ASKED) as part:
        assert not part.has_begun
        part.append(events(0), None, None)
        part.finish()

    assert EVENT % 0 + b"\n" == file.read_bytes()


def die_at_the_end(file: Path, how: Format) -> None:
    with pytest.raises(Killed), growing(file, how, ASKED) as part:
        part.append(events(0, 1), None, 77)
        raise Killed


def test_a_kill_once_the_file_is_in_place_leaves_nothing_to_do_but_the_folder(file: Path) -> None:
    how = format_of(file)
    die_at_the_end(file, how)
    assert not Part(file, how, ASKED).is_placed
    whole = (folder_of(file) / "data.ndjson").replace(file).read_bytes()

    assert Part(file, how, ASKED).is_placed
    with growing(file, how, ASKED) as part:
        assert (True, 2) == (part.progress.is_read, part.progress.events)
        assert len(whole) == part.finish()

    assert whole == file.read_bytes()
    assert not folder_of(file).exists()


def test_a_file_that_was_in_place_and_is_gone_is_exported_anew(file: Path) -> None:
    how = format_of(file)
    die_at_the_end(file, how)
    (folder_of(file) / "data.ndjson").unlink()

    assert not Part(file, how, ASKED).is_placed
    with growing(file, how, ASKED) as part:
        assert not part.has_begun
        part.append(events(5), None, 77)
        part.finish()

    assert EVENT % 5 + b"\n" == file.read_bytes()


def test_a_parquet_file_that_a_kill_kept_from_its_place_is_put_there(tmp_path: Path) -> None:
    file = tmp_path / "out.parquet"
    how = format_of(file)
    die_at_the_end(file, how)
    (folder_of(file) / "data.parquet").unlink()
    (folder_of(file) / "whole.parquet").write_bytes(b"whole")

    with growing(file, how, ASKED) as part:
        part.finish()

    assert b"whole" == file.read_bytes()
    assert not folder_of(file).exists()


def test_the_whole_file_and_its_name_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "out.parquet"
    synced: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        os, "fsync", lambda opened: synced.append((Path(f"/dev/fd/{opened}").resolve().name, file.exists()))
    )

    with growing(file, format_of(file), ASKED) as part:
        part.append(events(0), None, 77)
        part.finish()

    assert ("whole.parquet", False) in synced
    assert (tmp_path.name, True) == synced[-1]


def test_a_refusal_before_the_first_page_leaves_nothing(file: Path) -> None:
    with pytest.raises(RequestError, match="no such topic"), growing(file, format_of(file), ASKED):
        raise RequestError("no such topic")

    assert not folder_of(file).exists()


def test_the_part_of_another_export_is_left_alone(file: Path) -> None:
    die_behind_the_first_page(file)

    with (
        pytest.raises(RequestError, match=r"out\.ndjson\.tivo-part holds the beginning of another export"),
        growing(file, format_of(file), msgspec.structs.replace(ASKED, start="-2h")),
    ):
        pass

    assert (folder_of(file) / "state.json").exists()


def test_a_state_that_is_none_is_named(file: Path) -> None:
    die_behind_the_first_page(file)
    (folder_of(file) / "state.json").write_bytes(b"{}")

    with (
        pytest.raises(RequestError, match=r"state\.json is no state of an export"),
        growing(file, format_of(file), ASKED),
    ):
        pass


def test_two_at_once_do_not_mix(file: Path) -> None:
    with (
        growing(file, format_of(file), ASKED),
        pytest.raises(RequestError, match="another export is at work"),
        growing(file, format_of(file), ASKED),
    ):
        pass


def test_where_nothing_can_be_written_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "missing" / "out.csv"

    with (
        pytest.raises(NeighbourError, match=r"missing/out\.csv cannot be written"),
        growing(file, format_of(file), ASKED),
    ):
        pass
