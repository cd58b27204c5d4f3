"""Exported events in a Parquet file."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tivo.client import parquet

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def line(n: int, **more: Any) -> bytes:
    place = {"topic": "quakes", "partition": 0, "offset": n, "time_us": n, "received_us": n + 1, "id": str(n)}
    return json.dumps({**place, "key": "k", "value": n, "headers": {}, **more}).encode() + b"\n"


def test_a_row_has_what_the_line_has(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"

    parquet.write([line(7, value={"a": 1}, headers={"h": "1"}), line(-8, key=None, value=None)], file)

    first, second = pq.read_table(file).to_pylist()
    assert {
        "time": EPOCH + timedelta(microseconds=7),
        "topic": "quakes",
        "partition": 0,
        "offset": 7,
        "received": EPOCH + timedelta(microseconds=8),
        "id": "7",
        "key": "k",
        "value": '{"a": 1}',
        "headers": '{"h": "1"}',
    } == first
    assert (EPOCH - timedelta(microseconds=8), None, None) == (second["time"], second["key"], second["value"])


def test_no_event_makes_an_empty_table(tmp_path: Path) -> None:
    parquet.write([], tmp_path / "a.parquet")

    assert (0, parquet.SCHEMA) == (
        pq.read_table(tmp_path / "a.parquet").num_rows,
        pq.read_schema(tmp_path / "a.parquet"),
    )


@pytest.mark.parametrize(
    ("rows", "text", "groups"),
    [(parquet.GROUP_ROWS + 1, "", [parquet.GROUP_ROWS, 1]), (3, "x" * (parquet.GROUP_BYTES // 2), [2, 1])],
)
def test_row_groups_are_bounded_in_rows_and_bytes(tmp_path: Path, rows: int, text: str, groups: list[int]) -> None:
    file = tmp_path / "a.parquet"

    parquet.write((line(n, value=text) for n in range(rows)), file)

    told = pq.ParquetFile(file)
    assert groups == [told.metadata.row_group(n).num_rows for n in range(told.num_row_groups)]
