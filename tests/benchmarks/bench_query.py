"""How many events a second a filter expression looks through on one core.

    python -m tests.benchmarks.bench_query

In CPU time, the median of several rounds, over events of 86 bytes of JSON. Beside each stands what decoding their whole
values alone would give.
"""

import statistics
import sys
import time
from collections.abc import Callable

from tests.benchmarks import machine
from tivo.model.event import Event, ValueKind
from tivo.query.evaluate import compile_expression
from tivo.query.reading import value_of

EVENTS = 100_000
ROUNDS = 5
BAR = 300_000
VALUE = b'{"temp":%d.5,"hum":40,"place":"Cascadia","id":%d,"tags":["a","b"],"nested":{"x":1}}'
ASKED = (
    "value.temp > 30",
    "value.temp > 30 and key like 's1%'",
    "value.place like 'Casc%' and (value.nested.x = 1 or contains(value.tags, 'b'))",
    "key in ('s1', 's2', 's3')",
)


def per_second(passes: Callable[[Event], object], events: list[Event]) -> float:
    rates = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for event in events:
            passes(event)
        rates.append(len(events) / (time.process_time() - began))
    return statistics.median(rates)


def main() -> int:
    print(machine.told())
    events = [
        Event(n, "bench", 0, n, b"s%d" % (n % 50), VALUE % (n % 60, n), (), n, ValueKind.JSON) for n in range(EVENTS)
    ]
    print(f"decoding whole values alone: {per_second(value_of, events) / 1e3:.0f} k events/s")
    missed = False
    for where in ASKED:
        rate = per_second(compile_expression(where), events)
        missed |= rate < BAR
        print(f"{where}: {rate / 1e3:.0f} k events/s (bar {BAR // 1_000}) {'ok' if rate >= BAR else 'MISSED'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
