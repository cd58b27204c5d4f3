"""`tivo produce`: lines of input become events."""

from collections.abc import Iterable, Iterator
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import click
import orjson

from tivo.cli.http import answer, complete_topic, gateway
from tivo.cli.options import to_stderr, token_option, url_option
from tivo.model.errors import RequestError

BATCH = 500
PAUSE_S = 0.1


@click.command("produce")
@click.argument("topic", shell_complete=complete_topic)
@url_option
@token_option
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
def command(
    *, topic: str, url: str, token: str | None, source: Iterable[bytes], acks: str, **fields: str | None
) -> None:
    """Write events to TOPIC, one per line: JSON where the line is JSON, text where it is not.

    \b
    echo '{"temp": 21.5}' | tivo produce sensors --key kitchen
    tail -f app.log | tivo produce log
    tivo produce trips --time-field started --input trips.ndjson
    """
    count = 0
    with gateway(url, token) as client:
        for lines in _batches(source):
            records = [_record(line, **fields) for line in lines]
            body = orjson.dumps({"records": records})
            headers = {"Content-Type": "application/json"}
            given = answer(
                client.post(f"/v1/topics/{topic}/records", params={"acks": acks}, content=body, headers=headers)
            )
            _check(given, count)
            count += len(records)
    to_stderr(f"wrote {count:,} event{'s' if count != 1 else ''} to {topic}")


def _batches(source: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Lines in batches; one that pauses is given as it is, so that `tail -f` goes out line by line."""
    waiting: SimpleQueue[bytes | None] = SimpleQueue()
    Thread(target=_read, args=(source, waiting), daemon=True).start()
    batch: list[bytes] = []
    while True:
        try:
            line = waiting.get(timeout=PAUSE_S if batch else None)
        except Empty:
            yield batch
            batch = []
            continue
        if line:
            batch.append(line)
        if batch and (line is None or len(batch) == BATCH):
            yield batch
            batch = []
        if line is None:
            return


def _read(source: Iterable[bytes], waiting: "SimpleQueue[bytes | None]") -> None:
    try:
        for line in source:
            waiting.put(line.rstrip(b"\r\n"))
    finally:
        waiting.put(None)


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
