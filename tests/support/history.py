"""What producers and readers saw, as an append-only file of JSON lines, and what was wrong with it.

Each line is one outcome as its process knew it. A send is `ok` (acknowledged), `fail` (refused: the record must
not be there) or `unknown` (a time-out, a cut connection): it never counts as acknowledged nor as absent. A reader
writes one line per record; its `process` names one pass over the log from start to end.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

Operation: TypeAlias = Literal["send", "read"]
Outcome: TypeAlias = Literal["ok", "fail", "unknown"]


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One outcome. `time` orders the entries of one process; for a send it is when the call was made."""

    time: int
    process: str
    operation: Operation
    id: str
    partition: str
    offset: int | None = None
    outcome: Outcome = "ok"


@dataclass(slots=True)
class Findings:
    """What was wrong, each as a sentence with its evidence. Names as Jepsen's Kafka workload has them."""

    lost: list[str] = field(default_factory=list)
    duplicate: list[str] = field(default_factory=list)
    reordered: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    phantom: list[str] = field(default_factory=list)

    @property
    def kinds(self) -> set[str]:
        return {name for name in self.__slots__ if getattr(self, name)}

    def __str__(self) -> str:
        return "; ".join(f"{name}: {sentences[:3]}" for name in self.__slots__ if (sentences := getattr(self, name)))


class History:
    """Appends entries to a file, one line each, unbuffered: what a killed process saw is not forgotten."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def add(self, entry: Entry) -> None:
        self._file.write(msgspec.json.encode(entry) + b"\n")

    def close(self) -> None:
        self._file.close()


def read_history(path: Path) -> Iterator[Entry]:
    """The entries of a file; a last line that a kill cut short is left out."""
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield msgspec.json.decode(line, type=Entry)


def check(entries: Iterable[Entry], *, log_starts: Mapping[str, int] | None = None) -> Findings:
    """Compare what was sent with what was read. The last pass of each partition decides what is lost.

    `log_starts`: where a partition's log began when it was read last; what lay before was removed on purpose.
    """
    sends: dict[str, Entry] = {}
    passes: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        if entry.operation == "send":
            sends[entry.id] = entry
        else:
            passes[entry.partition][entry.process].append(entry)
    findings = Findings()
    for partition_passes in passes.values():
        for reads in partition_passes.values():
            _check_pass(reads, sends, findings)
    _check_moved(sends, passes, findings)
    _check_lost(sends, passes, log_starts or {}, findings)
    return findings


def _check_pass(reads: list[Entry], sends: Mapping[str, Entry], findings: Findings) -> None:
    offsets: dict[str, int | None] = {}
    newest: dict[str, Entry] = {}
    last: Entry | None = None
    for read in reads:
        if read.id in offsets:
            findings.duplicate.append(f"{read.id} at {offsets[read.id]} and at {read.offset} of {read.partition}")
            continue
        offsets[read.id] = read.offset
        if last is not None and _offset(read) <= _offset(last):
            findings.reordered.append(f"{read.process} read {read.partition} at {last.offset}, then at {read.offset}")
        last = read
        sent = sends.get(read.id)
        if sent is None or sent.outcome == "fail" or sent.partition != read.partition:
            findings.phantom.append(f"{read.id} at {read.offset} of {read.partition}, {_told(sent)}")
        elif sent.outcome == "ok":
            before = newest.setdefault(sent.process, sent)
            if sent.time < before.time:
                findings.reordered.append(f"{sent.process} sent {sent.id} before {before.id}, which is read first")
            newest[sent.process] = max(before, sent, key=lambda entry: entry.time)


def _check_moved(
    sends: Mapping[str, Entry], passes: Mapping[str, Mapping[str, list[Entry]]], findings: Findings
) -> None:
    """One offset holds one record for ever: whoever saw it, in an acknowledgement or in a pass, saw the same."""
    seen: dict[tuple[str, int], str] = {}
    acknowledged = [send for send in sends.values() if send.outcome == "ok" and send.offset is not None]
    reads = [read for by_process in passes.values() for entries in by_process.values() for read in entries]
    for entry in (*acknowledged, *reads):
        known = seen.setdefault((entry.partition, _offset(entry)), entry.id)
        if known != entry.id:
            findings.moved.append(f"{entry.partition} at {entry.offset} is {known}, and {entry.id}")
    places: dict[str, set[int]] = defaultdict(set)
    for read in reads:
        places[read.id].add(_offset(read))
    for send in acknowledged:
        if send.id in places and _offset(send) not in places[send.id]:
            findings.moved.append(f"{send.id} was acknowledged at {send.offset}, is read at {sorted(places[send.id])}")


def _check_lost(
    sends: Mapping[str, Entry],
    passes: Mapping[str, Mapping[str, list[Entry]]],
    log_starts: Mapping[str, int],
    findings: Findings,
) -> None:
    final = {partition: {read.id for read in list(by_process.values())[-1]} for partition, by_process in passes.items()}
    for send in sends.values():
        removed = send.offset is not None and send.offset < log_starts.get(send.partition, 0)
        if send.outcome == "ok" and not removed and send.id not in final.get(send.partition, set()):
            findings.lost.append(f"{send.id}, acknowledged at {send.offset} of {send.partition}")


def _offset(entry: Entry) -> int:
    assert entry.offset is not None, f"a read without an offset: {entry}"
    return entry.offset


def _told(sent: Entry | None) -> str:
    if sent is None:
        return "never sent"
    return "refused" if sent.outcome == "fail" else f"sent to {sent.partition}"
