"""What foreign tests say of our broker: a suite's outcome against the list of its misses, and the table of all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

COLUMNS = ("client or suite", "passed", "of", "justified misses")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the tests of one foreign suite went. `missed`: those that failed or were left out, and what they said."""

    passed: frozenset[str] = frozenset()
    missed: Mapping[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return len(self.passed) + len(self.missed)


def complaints(outcome: Outcome, listed: Mapping[str, str]) -> list[str]:
    """What does not agree with the list of misses: it is to name every test that misses, why, and no other."""
    return [
        *(f"missed, and not listed: {name}: {said}" for name, said in outcome.missed.items() if name not in listed),
        *(f"listed, and passes: {name}" for name in sorted(outcome.passed & listed.keys())),
        *(f"listed, and is no test: {name}" for name in listed if name not in outcome.passed | outcome.missed.keys()),
        *(f"listed without a reason: {name}" for name, reason in listed.items() if not reason.strip()),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One line of the table."""

    name: str
    passed: int
    of: int
    misses: int = 0


def table(scores: Iterable[Score]) -> list[str]:
    """The scores, one a line, under a head; nothing where there are none."""
    rows = [(each.name, str(each.passed), str(each.of), str(each.misses)) for each in scores]
    if not rows:
        return []
    width = max(len(row[0]) for row in (COLUMNS, *rows))
    return [f"{row[0]:<{width}}  {row[1]:>6}  {row[2]:>4}  {row[3]:>16}" for row in (COLUMNS, *rows)]
