"""Records sent, and an answer for each."""

from dataclasses import dataclass, field

import pytest

from tests.unit.tivo.client.peer import Answer, Peer, a_topic, peer
from tivo.client.producer import NewRecord, Produced, Producer
from tivo.model.errors import BrokerError, RecordError, UnknownTopic
from tivo.model.event import TIME_HEADER
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from tivo.wire.messages.metadata import MetadataRequest, MetadataResponse
from tivo.wire.messages.produce import (
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)
from tivo.wire.record_batch import Record, read_header, records
from tivo.wire.schema import Message

TIME_US = 1_700_000_000_123_456


@dataclass
class Log:
    """What the peer took: batches with a value that it refuses are answered with a code."""

    refused: bytes = b"never"
    code: int = ErrorCode.INVALID_TIMESTAMP
    append_time_ms: int = -1
    taken: list[Record] = field(default_factory=list)
    batches: int = 0
    identities: int = 0

    def produce(self, request: ProduceRequest) -> ProduceResponse:
        (topic,) = request.topic_data
        return ProduceResponse(
            responses=[
                TopicProduceResponse(
                    name=topic.name, partition_responses=[self._append(each) for each in topic.partition_data]
                )
            ]
        )

    def _append(self, partition: object) -> PartitionProduceResponse:
        self.batches += 1
        batch = partition.records  # type: ignore[attr-defined]  # PartitionProduceData
        index: int = partition.index  # type: ignore[attr-defined]
        found = list(records(batch, 0, read_header(batch), max_inflated=1_000_000))
        if any(record.value == self.refused for record in found):
            return PartitionProduceResponse(index=index, error_code=self.code)
        base = len(self.taken)
        self.taken += found
        return PartitionProduceResponse(index=index, base_offset=base, log_append_time_ms=self.append_time_ms)

    def identify(self, _: InitProducerIdRequest) -> InitProducerIdResponse:
        self.identities += 1
        return InitProducerIdResponse(producer_id=self.identities, producer_epoch=0)

    def table(self) -> dict[type[Message], Answer]:
        return {ProduceRequest: self.produce, InitProducerIdRequest: self.identify}


@pytest.fixture
def log() -> Log:
    return Log()


def with_topic(broker: Peer) -> str:
    broker.topics = [a_topic("quakes", bytes(16), 0, 1)]
    return broker.bootstrap


def values(*texts: bytes) -> list[NewRecord]:
    return [NewRecord(value=text, partition=0) for text in texts]


async def test_each_record_is_answered_with_its_place_and_time(log: Log) -> None:
    async with peer(log.table()) as broker, Producer(with_topic(broker)) as producer:
        answers = await producer.send("quakes", [NewRecord(value=b"a", key=b"k", time_us=TIME_US, partition=1)])

    assert [Produced(partition=1, offset=0, time_us=TIME_US)] == answers
    assert [(b"k", b"a", TIME_US // 1000)] == [(each.key, each.value, each.timestamp_ms) for each in log.taken]


async def test_records_keep_their_order(log: Log) -> None:
    async with peer(log.table()) as broker, Producer(with_topic(broker)) as producer:
        answers = await producer.send("quakes", values(*(b"%d" % number for number in range(500))))

    assert list(range(500)) == [answer.offset for answer in answers if isinstance(answer, Produced)]
    assert [b"%d" % number for number in range(500)] == [record.value for record in log.taken]


async def test_time_finer_than_kafkas_travels_in_a_header(log: Log) -> None:
    async with peer(log.table()) as broker, Producer(with_topic(broker)) as producer:
        await producer.send(
            "quakes",
            [
                NewRecord(value=b"fine", time_us=TIME_US),
                NewRecord(value=b"whole", time_us=TIME_US // 1000 * 1000),
                NewRecord(value=b"given", time_us=TIME_US, headers=((TIME_HEADER, b"7"),)),
            ],
        )

    headers = {record.value: tuple(record.headers) for record in log.taken}
    assert ((TIME_HEADER, b"%d" % TIME_US),) == headers[b"fine"]
    assert () == headers[b"whole"]
    assert ((TIME_HEADER, b"7"),) == headers[b"given"]


async def test_log_that_stamps_itself_tells_its_time(log: Log) -> None:
    log.append_time_ms = 1_600_000_000_000
    async with peer(log.table()) as broker, Producer(with_topic(broker)) as producer:
        answers = await producer.send("quakes", [NewRecord(value=b"a", time_us=TIME_US, partition=0)])

    assert [Produced(0, 0, 1_600_000_000_000_000)] == answers


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (NewRecord(value=None), "key or a value"),
        (NewRecord(value=b"x", partition=9), "0 to 1, not 9"),
        (NewRecord(value=b"x", time_us=-1), "before 1970"),
    ],
)
async def test_record_that_cannot_be_sent_is_told_and_the_others_are_sent(
    log: Log, record: NewRecord, why: str
) -> None:
    async with peer(log.table()) as broker, Producer(with_topic(broker)) as producer:
        first, second, third = await producer.send("quakes", [*values(b"a"), record, *values(b"b")])

    assert isinstance(first, Produced)
    assert isinstance(third, Produced)
    assert isinstance(second, RecordError)
    assert why in str(second)


async def test_of_a_refused_batch_only_the_record_at_fault_gets_an_error(log: Log) -> None:
    log.refused = b"bad"
    async with peer(log.table()) as broker, Producer(with_topic(broker)) as producer:
        answers = await producer.send("quakes", values(b"a", b"bad", b"c"))
        again = await producer.send("quakes", values(b"d"))

    assert [Produced, RecordError, Produced] == [Produced if isinstance(a, Produced) else RecordError for a in answers]
    assert [b"a", b"c", b"d"] == [record.value for record in log.taken]
    assert isinstance(again[0], Produced)
    assert 2 == log.identities, "behind a refused batch the sequence numbers have a hole"


async def test_record_refused_alone_is_not_sent_again(log: Log) -> None:
    log.refused = b"bad"
    async with peer(log.table()) as broker, Producer(with_topic(broker)) as producer:
        (answer,) = await producer.send("quakes", values(b"bad"))

    assert isinstance(answer, RecordError)
    assert "InvalidTimestamp" in str(answer)
    assert 1 == log.batches


async def test_broker_that_refuses_for_its_own_reasons_is_a_broker_error(log: Log) -> None:
    log.refused, log.code = b"bad", ErrorCode.TOPIC_AUTHORIZATION_FAILED
    async with peer(log.table()) as broker, Producer(with_topic(broker)) as producer:
        (answer,) = await producer.send("quakes", values(b"bad"), acks=1)

    assert isinstance(answer, BrokerError)


async def test_acks_zero_are_answered_without_a_place(log: Log) -> None:
    async with peer(log.table()) as broker, Producer(with_topic(broker)) as producer:
        (answer,) = await producer.send("quakes", [NewRecord(value=b"a", time_us=TIME_US)], acks=0)

    assert Produced(-1, -1, TIME_US) == answer


@pytest.mark.parametrize("name", ["no such", "", "x" * 250])
async def test_name_that_no_topic_can_have_is_unknown_at_once(log: Log, name: str) -> None:
    async with peer(log.table()) as broker, Producer(with_topic(broker)) as producer:
        with pytest.raises(UnknownTopic):
            await producer.send(name, values(b"a"))


async def test_topic_that_is_being_made_is_waited_for_whatever_else_is_kept(log: Log) -> None:
    asked = 0

    def making(request: MetadataRequest) -> MetadataResponse:
        nonlocal asked
        asked += any(topic.name == "quakes" for topic in request.topics or ())
        if asked == 1:
            producer.keep_only([])
        elif asked == 2:
            with_topic(broker)
        return broker.metadata(request)

    async with peer({**log.table(), MetadataRequest: making}) as broker:
        broker.topics = [a_topic("quakes", bytes(16), error_code=ErrorCode.LEADER_NOT_AVAILABLE)]
        async with Producer(broker.bootstrap) as producer:
            (answer,) = await producer.send("quakes", values(b"a"))

    assert isinstance(answer, Produced)


async def test_topic_that_is_not_kept_is_not_asked_for_again(log: Log) -> None:
    async with peer(log.table()) as broker, Producer(with_topic(broker)) as producer:
        await producer.send("quakes", values(b"a"))
        before = len(broker.asked)

        producer.keep_only(["others"])
        broker.topics.append(a_topic("plates", bytes(16), 0))
        await producer.send("plates", values(b"a"))

    asked = [each for each in broker.asked[before:] if isinstance(each, MetadataRequest)]
    assert asked
    assert not [each for each in asked if "quakes" in {topic.name for topic in each.topics or ()}]


async def test_producer_without_a_broker_names_the_address(log: Log) -> None:
    async with peer(log.table()) as broker:
        pass

    with pytest.raises(BrokerError, match=broker.bootstrap):
        await Producer(broker.bootstrap).start()
