"""A broker without sockets, threads and clocks: requests go in as bytes, time and disk move when a test says so."""

import os
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.support.batches import batch
from tests.support.faulty_disk import FaultyDisk, FaultyFile
from tivo.auth.principals import Principal
from tivo.broker.assembly import assemble
from tivo.broker.broker import Broker, Caller
from tivo.broker.handlers import SERVED, TABLE
from tivo.broker.leader import Leader
from tivo.broker.listeners import Endpoint, Security
from tivo.broker.options import BrokerOptions
from tivo.broker.replies import Deferred
from tivo.broker.session import Session
from tivo.log.catalog import Catalog
from tivo.model.errors import LogError
from tivo.model.timeline import Now
from tivo.wire.connection import Request, ServerConnection
from tivo.wire.framing import read_response, request_frame
from tivo.wire.messages.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from tivo.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tivo.wire.schema import Message

T = TypeVar("T")
ENDPOINT = Endpoint(Security.PLAINTEXT, "127.0.0.1", 9092)
START = Now(1_700_000_000_000_000, 5_000_000)


@dataclass(slots=True)
class ManualAlarm:
    """A call that is due at a steady time."""

    steady_us: int
    callback: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


class ManualRuntime:
    """Both clocks stand still until `forward`; disk work waits until `work`."""

    def __init__(self) -> None:
        self._now = START
        self._alarms: list[ManualAlarm] = []
        self._works: deque[Callable[[], None]] = deque()
        self.may_compute = True

    def now(self) -> Now:
        return self._now

    def call_at(self, steady_us: int, callback: Callable[[], None]) -> ManualAlarm:
        alarm = ManualAlarm(steady_us, callback)
        self._alarms.append(alarm)
        return alarm

    def in_thread(self, work: Callable[[], T], then: Callable[[T | LogError], None]) -> None:
        def do() -> None:
            result: T | LogError
            try:
                result = work()
            except LogError as error:
                result = error
            then(result)

        self._works.append(do)

    def compute(self, work: Callable[[], T], then: Callable[[T | LogError], None]) -> bool:
        if self.may_compute:
            self.in_thread(work, then)
        return self.may_compute

    @property
    def has_work(self) -> bool:
        return bool(self._works)

    @property
    def has_alarm(self) -> bool:
        return any(not alarm.is_cancelled for alarm in self._alarms)

    def work(self) -> None:
        """Do the disk work that waits, and what it leads to."""
        while self._works:
            self._works.popleft()()

    def step(self) -> None:
        """Do the one thing of it that has waited longest."""
        self._works.popleft()()

    def forward(self, span_us: int) -> None:
        """Let time pass, ringing every alarm in its turn."""
        end_us = self._now.steady_us + span_us
        while due := sorted(
            (alarm for alarm in self._alarms if not alarm.is_cancelled and alarm.steady_us <= end_us),
            key=lambda alarm: alarm.steady_us,
        ):
            self._move(max(due[0].steady_us, self._now.steady_us))
            self._alarms.remove(due[0])
            due[0].callback()
        self._move(end_us)

    def _move(self, steady_us: int) -> None:
        self._now = Now(self._now.wall_us + steady_us - self._now.steady_us, steady_us)


class QuickFile(FaultyFile):
    """Counts and fails syncs, and does not wait for the disk: hundreds of tests begin with a new data directory."""

    def fdatasync(self) -> None:
        self.disk.meet("fdatasync", self.path)


class QuickDisk(FaultyDisk):
    """A faulty disk that is not waited for."""

    def open(self, path: Path, *, create: bool = False) -> QuickFile:
        self.meet("create" if create and not path.exists() else "open", path)
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        return QuickFile(os.open(path, flags, 0o640), path, self)

    def fsync_dir(self, path: Path) -> None:
        self.meet("fsync_dir", path)


@dataclass(slots=True)
class Sent:
    """A request that a test sent, as the broker decoded it, and what the handler gave back."""

    request: Request
    reply: Message | Deferred | None
    connection: ServerConnection

    @property
    def response(self) -> Any:
        """The response, through the bytes of its version; None while it is owed, or where none is wanted."""
        response = self.reply.response if isinstance(self.reply, Deferred) else self.reply
        if response is None:
            return None
        frame = b"".join(self.connection.respond(self.request, response))
        kind = response_of(type(self.request.body))
        correlation_id, decoded = read_response(kind, self.request.api_version, memoryview(frame)[4:])
        assert self.request.correlation_id == correlation_id
        return decoded


@dataclass(slots=True)
class BrokerBench:
    """A broker on a real log, and the hands on its clock and disk."""

    broker: Broker
    runtime: ManualRuntime
    catalog: Catalog
    disk: FaultyDisk
    connection: ServerConnection = field(default_factory=lambda: ServerConnection(SERVED))
    correlation_id: int = 0
    session: Session = field(default_factory=lambda: Session(endpoint=ENDPOINT))

    def become(self, name: str) -> None:
        """From here on requests are this user's."""
        self.session.principal = Principal(name)

    def send(self, request: Message, version: int | None = None, *, client_id: str = "test") -> Sent:
        """Hand a request over, as bytes of a version (the newest, unless said otherwise)."""
        version = type(request).api.last if version is None else version
        self.correlation_id += 1
        frame = request_frame(request, version, correlation_id=self.correlation_id, client_id=client_id)
        data = b"".join(frame)
        items = []
        while data:
            room = self.connection.get_buffer()
            count = min(len(room), len(data))
            room[:count] = data[:count]
            data = data[count:]
            items.extend(self.connection.received(count))
        (item,) = items
        assert isinstance(item, Request), item
        reply = TABLE[item.api_key].handle(
            self.broker, item.body, Caller(version, client_id, "127.0.0.1", self.session)
        )
        return Sent(item, reply, self.connection)

    def ask(self, request: Message, version: int | None = None, *, client_id: str = "test") -> Any:
        """The response to a request, with whatever disk work it takes."""
        sent = self.send(request, version, client_id=client_id)
        self.runtime.work()
        return sent.response

    def make(self, topic: str, partitions: int = 1, **configs: str) -> None:
        """A new topic; settings have `_` for `.` in their names."""
        settings = [CreatableTopicConfig(name=name.replace("_", "."), value=value) for name, value in configs.items()]
        wanted = CreatableTopic(name=topic, num_partitions=partitions, replication_factor=1, configs=settings)
        (made,) = self.ask(CreateTopicsRequest(topics=[wanted])).topics
        assert made.error_code == 0, made

    def produce(self, topic: str, *values: bytes, partition: int = 0, time_ms: int = 1_000) -> None:
        """One durable batch."""
        data = PartitionProduceData(index=partition, records=memoryview(batch(*values, time_ms=time_ms)))
        request = ProduceRequest(acks=-1, topic_data=[TopicProduceData(name=topic, partition_data=[data])])
        (answer,) = self.ask(request).responses[0].partition_responses
        assert answer.error_code == 0, answer

    def leader(self, topic: str, partition: int = 0) -> Leader:
        return self.broker.topics.get(topic).leaders[partition]

    def close(self) -> None:
        """As a stop does, except for partitions that a test broke."""
        self.disk.faults.clear()
        self.runtime.work()
        for leader in self.broker.topics.leaders():
            if leader.log.read_only is None:
                leader.close()
            else:
                leader.log.close(clean=False)
        self.catalog.close(clean=True)


def open_broker(data: Path, *, runtime: ManualRuntime | None = None, **options: Any) -> BrokerBench:
    """A broker on a data directory; `options` are those of BrokerOptions."""
    runtime = runtime or ManualRuntime()
    disk = QuickDisk()
    catalog = Catalog.open(data, disk=disk)
    broker = assemble(BrokerOptions(data=data, **options), catalog, runtime, endpoints=(ENDPOINT,), disk=disk)
    return BrokerBench(broker, runtime, catalog, disk)


def response_of(request: type[Message]) -> type[Message]:
    """The response class that belongs to a request class."""
    found = getattr(sys.modules[request.__module__], request.__name__.replace("Request", "Response"))
    assert issubclass(found, Message)
    return found
