"""`tivo produce`: lines of input become events."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import click
import orjson

from tivo.cli.http import answer, complete_topic, gateway
from tivo.cli.options import to_stderr, url_option
from tivo.model.errors import RequestError

BATCH = 500


@click.command("produce")
@click.argument("topic", shell_complete=complete_topic)
@url_option
@click.option("--key", help="Key of every event.")
@click.option("--key-field", metavar="NAME", help="Take each event's key from this field of its JSON.")
@click.option("--time-field", metavar="NAME", help="Take each event's time from this field of its JSON.")
@click.option(
    "--acks",
    type=click.Choice(["0", "1", "all"]),
    default="all",
    show_default=True,
    help="What to wait for: nothing, the broker, the disk.",
)
@click.option("--input", "source", type=click.File("rb"), default="-", help="File to read; default: standard input.")
def command(*, topic: str, url: str, source: Iterable[bytes], acks: str, **fields: str | None) -> None:
    """Write events to TOPIC, one per line: JSON where the line is JSON, text where it is not.

    \b
    echo '{"temp": 21.5}' | tivo produce sensors --key kitchen
    tail -f app.log | tivo produce log
    tivo produce trips --time-field started --input trips.ndjson
    """
    lines = (line.rstrip(b"\r\n") for line in source)
    count = 0
    with gateway(url) as client:
        for records in _batches(_record(line, **fields) for line in lines if line):
            body = orjson.dumps({"records": records})
            headers = {"Content-Type": "application/json"}
            given = answer(
                client.post(f"/v1/topics/{topic}/records", params={"acks": acks}, content=body, headers=headers)
            )
            _check(given, count)
            count += len(records)
    to_stderr(f"wrote {count:,} event{'s' if count != 1 else ''} to {topic}")


def _batches(records: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(records, BATCH)):
        yield batch


def _record(line: bytes, *, key: str | None, key_field: str | None, time_field: str | None) -> dict[str, Any]:
    try:
        value: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = line.decode("utf-8", "replace")
    record: dict[str, Any] = {"value": value}
    if key_field or key:
        record["key"] = str(_field(value, key_field, line)) if key_field else key
    if time_field:
        record["time"] = _field(value, time_field, line)
    return record


def _field(value: Any, name: str, line: bytes) -> Any:
    if not isinstance(value, dict) or name not in value:
        raise RequestError(f"there is no field {name!r} in the line {line[:200].decode('utf-8', 'replace')!r}")
    return value[name]


def _check(given: Any, before: int) -> None:
    """207 reports record by record: the first one that was not taken is told with its line."""
    for index, report in enumerate((given or {}).get("offsets", [])):
        if "error" in report:
            raise RequestError(f"line {before + index + 1} was not taken, others were: {report['error']}")
