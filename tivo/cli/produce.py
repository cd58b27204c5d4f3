"""`tivo produce`: lines of input become events."""

from collections.abc import Iterable, Iterator
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import click
import httpx
import orjson

from tivo.cli.http import answer, complete_topic, gateway
from tivo.cli.options import to_stderr, token_option, url_option
from tivo.model.errors import NeighbourError, RequestError
from tivo.model.topic_name import is_legal_name, no_name

Line = tuple[int, bytes]
"""A line with its number, from 1."""

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
    if not is_legal_name(topic):
        raise RequestError(no_name(topic))
    count = 0
    with gateway(url, token) as client:
        for lines in _batches(source):
            records, wrong = _records(lines, **fields)
            if records:
                body = orjson.dumps({"records": records})
                headers = {"Content-Type": "application/json"}
                sent = client.post(f"/v1/topics/{topic}/records", params={"acks": acks}, content=body, headers=headers)
                _check(_taken(sent, count), [number for number, _ in lines], count)
            count += len(records)
            if wrong is not None:
                raise RequestError(f"{wrong}; {_written(count)} before it, nothing of it and behind it")
    to_stderr(f"{_written(count)} to {topic}")


def _written(count: int) -> str:
    return f"wrote {count:,} event{'s' if count != 1 else ''}"


def _records(lines: list[Line], **fields: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """The records of lines, up to the first that cannot be one; and what is wrong with that."""
    records: list[dict[str, Any]] = []
    for number, line in lines:
        try:
            records.append(_record(line, **fields))
        except RequestError as error:
            return records, f"line {number}: {error}"
    return records, None


def _taken(response: httpx.Response, before: int) -> Any:
    """What the gateway answered. Raises what `answer` does, saying what was written before."""
    try:
        return answer(response)
    except (RequestError, NeighbourError) as error:
        if not before:
            raise
        raise type(error)(f"{error}; {_written(before)} before that") from error


def _batches(source: Iterable[bytes]) -> Iterator[list[Line]]:
    """Lines with their numbers in batches; what pauses is given as it is: `tail -f` goes out line by line."""
    waiting: SimpleQueue[Line | None] = SimpleQueue()
    Thread(target=_read, args=(source, waiting), daemon=True).start()
    batch: list[Line] = []
    while True:
        try:
            line = waiting.get(timeout=PAUSE_S if batch else None)
        except Empty:
            yield batch
            batch = []
            continue
        if line is not None and line[1]:
            batch.append(line)
        if batch and (line is None or len(batch) == BATCH):
            yield batch
            batch = []
        if line is None:
            return


def _read(source: Iterable[bytes], waiting: "SimpleQueue[Line | None]") -> None:
    try:
        for number, line in enumerate(source, 1):
            waiting.put((number, line.rstrip(b"\r\n")))
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


def _check(given: Any, numbers: list[int], before: int) -> None:
    """207 reports record by record: the first one that was not taken is told with its line, and how many were."""
    reports = (given or {}).get("offsets", [])
    refused = [(number, report) for number, report in zip(numbers, reports, strict=False) if "error" in report]
    if refused:
        number, report = refused[0]
        others = f", nor {len(refused) - 1} behind it" if len(refused) > 1 else ""
        written = _written(before + len(reports) - len(refused))
        raise RequestError(f"line {number} was not taken{others}: {report['error']}; {written} beside")
