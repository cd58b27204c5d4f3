"""A life of transactions over a broker without sockets, killed between any two pieces of its disk work."""

import random
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.batches import values_of
from tests.support.broker import BrokerBench, open_broker
from tests.support.transaction_history import Ended, Findings, check
from tests.support.transactional import TransactionalProducer
from tivo.broker.errors_told import errors_in
from tivo.broker.offsets import Committed
from tivo.wire.record_batch import batches
from tivo.wire.schema import Message

PARTITIONS = 3
NAMES = ("p0", "p1")


class KilledError(Exception):
    """The broker is gone; what was asked may have been done or not."""


class StuckError(Exception):
    """A producer cannot go on, although the broker is there."""


@dataclass(slots=True)
class Life:
    """Producers take turns with whole transactions; a third of these is aborted, and a kill comes at any moment."""

    data: Path
    dice: random.Random
    flush: str = "always"
    bench: BrokerBench = field(init=False)
    producers: dict[str, TransactionalProducer] = field(init=False)
    ended: list[Ended] = field(default_factory=list)
    earlier: set[str] = field(default_factory=set)

    def run(self, transactions: int) -> Findings:
        """All of it, and what is wrong with what is left."""
        try:
            return self._lived(transactions)
        except StuckError as error:
            return Findings(lost=[str(error)])

    def _lived(self, transactions: int) -> Findings:
        self.bench = open_broker(self.data, flush=self.flush)
        self.bench.make("t", PARTITIONS)
        self._come_back()
        for number in range(transactions):
            self._transact(self.dice.choice(NAMES), number)
        self._restart()
        self._come_back()
        seen = [self._committed(partition) for partition in range(PARTITIONS)]
        offsets = {name: found.offset for name in NAMES if (found := self._offset(name)) is not None}
        return check(self.ended, seen, offsets, earlier=self.earlier)

    def _transact(self, producer: str, number: int) -> None:
        name, commit, is_ending = f"{producer}-{number}", self.dice.random() < 0.7, False
        on = self.producers[producer]
        try:
            self._ask(on.add_request(*(("t", partition) for partition in range(PARTITIONS))))
            self._ask(on.add_offsets_request(producer))
            for partition in range(PARTITIONS):
                self._ask(on.write_request("t", name.encode(), partition=partition))
            self._ask(on.offsets_request(number, group=producer))
            is_ending = True
            self._ask(on.end_request(commit=commit))
        except KilledError:
            self.ended.append(Ended(name, "unknown" if commit and is_ending else "aborted"))
            self._restart()
            self._come_back()
        else:
            self.ended.append(Ended(name, "committed" if commit else "aborted"))

    def _ask(self, request: Message) -> None:
        """Until it is answered; raises KilledError where the broker is killed before."""
        sent = self.bench.send(request)
        while sent.response is None:
            if self.dice.random() < 0.03 or not self.bench.runtime.has_work:
                raise KilledError
            self.bench.runtime.step()
        if errors_in(sent.response):
            raise StuckError(f"{request} is answered with {sent.response}")

    def _restart(self) -> None:
        """As after `kill -9`."""
        self.bench = open_broker(self.data, flush=self.flush)
        self.bench.runtime.work()
        self.earlier.update(*(self._committed(partition) for partition in range(PARTITIONS)))

    def _come_back(self) -> None:
        """The producers ask for their identities again, and so end what was left open."""
        self.producers = {name: TransactionalProducer(self.bench, name) for name in NAMES}
        for name, producer in self.producers.items():
            error = producer.init()
            if error:
                raise StuckError(f"{name} gets no identity, but error {error}")

    def _committed(self, partition: int) -> list[str]:
        """The names that a reader of committed records gets."""
        leader = self.bench.leader("t", partition)
        data = leader.read(0, 1 << 24, committed=True)
        gone = {
            (each.producer_id, offset)
            for each in leader.aborted(0, data)
            for offset in range(each.first_offset, each.last_offset)
        }
        taken = {
            header.base_offset
            for _, header in batches(data)
            if not header.is_control and (header.producer_id, header.base_offset) not in gone
        }
        return [value.decode() for offset, value in values_of(data).items() if offset in taken]

    def _offset(self, group: str) -> Committed | None:
        return self.bench.broker.coordinator.offsets.of(group, "t", 0)
