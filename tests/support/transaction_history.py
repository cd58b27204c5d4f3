"""What became of transactions, as their producers knew it, and what readers of committed records saw of them.

A transaction writes one record to each of several partitions, and commits an offset. Its producer knows that it was
`committed` or `aborted`, or knows nothing, because the broker was killed while it was being ended.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

Outcome: TypeAlias = Literal["committed", "aborted", "unknown"]


class Ended(NamedTuple):
    """A transaction by the name that its records carry, `<producer>-<number>`."""

    name: str
    outcome: Outcome


@dataclass(slots=True)
class Findings:
    """What was wrong, each as a sentence with its evidence."""

    lost: list[str] = field(default_factory=list)
    risen: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    reordered: list[str] = field(default_factory=list)
    offsets: list[str] = field(default_factory=list)

    @property
    def kinds(self) -> set[str]:
        return {name for name in self.__slots__ if getattr(self, name)}

    def __str__(self) -> str:
        return "; ".join(f"{name}: {sentences[:3]}" for name in self.__slots__ if (sentences := getattr(self, name)))


def check(
    ended: Iterable[Ended],
    partitions: Sequence[Sequence[str]],
    offsets: Mapping[str, int],
    *,
    earlier: Iterable[str] = (),
) -> Findings:
    """Compare what producers know with the names read in each partition, and with the offset that each has committed.

    A producer commits the number of its transaction as offset. `earlier`: names that were read at any time before.
    """
    findings = Findings()
    outcomes = {each.name: each.outcome for each in ended}
    seen = Counter(name for names in partitions for name in names)
    for name, outcome in outcomes.items():
        if outcome == "committed" and not seen[name]:
            findings.lost.append(f"{name} was committed, and is nowhere")
    for name, count in seen.items():
        if outcomes.get(name) in ("aborted", None):
            findings.risen.append(f"{name} was {outcomes.get(name, 'never begun')}, and is read")
        if len({name in names for names in partitions}) > 1:
            findings.torn.append(f"{name} is in {count} of {len(partitions)} partitions")
    for number, names in enumerate(partitions):
        findings.doubled += [f"{name} is twice in {number}" for name, count in Counter(names).items() if count > 1]
        findings.reordered += _reordered(names, number)
    findings.lost += [f"{name} was read before, and is gone" for name in earlier if not seen[name]]
    findings.offsets += _wrong_offsets(outcomes, seen, offsets)
    return findings


def split(name: str) -> tuple[str, int]:
    producer, _, number = name.rpartition("-")
    return producer, int(number)


def _reordered(names: Sequence[str], partition: int) -> Iterable[str]:
    last: dict[str, int] = {}
    for name in names:
        producer, number = split(name)
        if number < last.get(producer, -1):
            yield f"{name} is read behind {producer}-{last[producer]} in {partition}"
        last[producer] = number


def _wrong_offsets(
    outcomes: Mapping[str, Outcome], seen: Mapping[str, int], offsets: Mapping[str, int]
) -> Iterable[str]:
    """Offsets are committed with the records, so each is that of the last transaction that can be read."""
    for producer in sorted({split(name)[0] for name in outcomes}):
        numbers = [split(name)[1] for name in seen if seen[name] and split(name)[0] == producer]
        last, committed = max(numbers, default=-1), offsets.get(producer, -1)
        if committed != last:
            yield f"{producer} has committed {committed}, the last that is read is {last}"
