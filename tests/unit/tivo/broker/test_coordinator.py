"""The shell of the groups: time, restarts, and replies that wait for the disk."""

from pathlib import Path

from tests.support.broker import BrokerBench, ManualRuntime, open_broker
from tests.support.faulty_disk import Fault
from tests.support.group_member import GroupMember
from tests.support.transactional import TransactionalProducer
from tests.unit.tivo.broker.handlers.test_offset_commit import committed, kept, request
from tivo.broker.holdings import SHARE_BYTES
from tivo.broker.journal import SHORTEN_ABOVE_BYTES
from tivo.broker.upkeep import Upkeep
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestTopic

SECOND = 1_000_000


def test_group_goes_on_after_a_kill(tmp_path: Path) -> None:
    runtime = ManualRuntime()
    before = open_broker(tmp_path / "data", runtime=runtime)
    member = GroupMember(before)
    member.settle()

    after = open_broker(tmp_path / "data", runtime=runtime)
    member.bench = after
    synced = member.sync()

    assert 0 == member.beat()
    assert b"everything" == synced.response.assignment
    after.close()


def test_member_that_a_kill_took_along_expires(tmp_path: Path) -> None:
    before = open_broker(tmp_path / "data")
    member = GroupMember(before)
    member.settle()

    after = open_broker(tmp_path / "data")
    after.runtime.forward(10 * SECOND)
    after.runtime.work()

    group = after.broker.coordinator.group("g")
    assert group is not None
    assert ("Empty", 2) == (group.state.value, group.generation)
    after.close()


def test_each_group_is_told_the_time_when_it_wants(bench: BrokerBench) -> None:
    short, long = GroupMember(bench, "short", session_ms=6_000), GroupMember(bench, "long", session_ms=20_000)
    for member in (long, short):
        member.settle()

    bench.runtime.forward(7 * SECOND)
    assert (ErrorCode.UNKNOWN_MEMBER_ID, 0) == (short.beat(), long.beat())
    bench.runtime.forward(21 * SECOND)

    assert ErrorCode.UNKNOWN_MEMBER_ID == long.beat()


def test_static_member_that_allows_a_rebalance_no_time_does_not_hold_up_other_groups(bench: BrokerBench) -> None:
    stays = GroupMember(bench, instance_id="one", rebalance_ms=0)
    goes, other = GroupMember(bench), GroupMember(bench, "other", session_ms=6_000)
    joining = [stays.join(), goes.join(3)]
    bench.runtime.forward(SECOND)
    for member, sent in zip((stays, goes), joining, strict=True):
        member.take(sent.response)
    other.settle()
    synced = [goes.sync(), stays.sync()]
    bench.runtime.work()
    assert [0, 0] == [sent.response.error_code for sent in synced]
    assert 0 == goes.leave()

    bench.runtime.forward(6 * SECOND)

    assert ErrorCode.UNKNOWN_MEMBER_ID == other.beat()
    bench.runtime.forward(6 * SECOND)
    group = bench.broker.coordinator.group("g")
    assert group is not None
    assert "Empty" == group.state.value


def test_groups_together_take_no_more_than_there_is_room_for(bench: BrokerBench) -> None:
    size = 250_000
    late = GroupMember(bench, "late", metadata=bytes(size))
    first = GroupMember(bench, "first", metadata=bytes(size))
    first.settle()
    codes = []
    for number in range(SHARE_BYTES // size + 1):
        joining = GroupMember(bench, f"g{number}", session_ms=1_800_000, metadata=bytes(size)).join(3)
        bench.runtime.forward(SECOND // 10)
        codes.append(joining.response.error_code)
        assert 0 == first.beat()

    assert SHARE_BYTES // size - 5 < codes.index(ErrorCode.GROUP_MAX_SIZE_REACHED) < SHARE_BYTES // size
    assert ErrorCode.GROUP_MAX_SIZE_REACHED == late.join().response.error_code
    again = first.join()
    bench.runtime.forward(SECOND // 10)
    assert 0 == again.response.error_code, "who is in a group stays in it"

    bench.runtime.forward(1_800 * SECOND)
    bench.runtime.work()

    assert ErrorCode.MEMBER_ID_REQUIRED == late.join().response.error_code


def fill(bench: BrokerBench, size: int = 250_000) -> None:
    """Let groups come until one is refused."""
    for number in range(SHARE_BYTES // size + 1):
        joining = GroupMember(bench, f"full{number}", session_ms=1_800_000, metadata=bytes(size)).join(3)
        bench.runtime.forward(SECOND // 10)
    assert ErrorCode.GROUP_MAX_SIZE_REACHED == joining.response.error_code


def test_member_that_was_let_in_gets_its_part_though_the_room_is_used_up_meanwhile(bench: BrokerBench) -> None:
    member = GroupMember(bench, session_ms=1_800_000)
    joining = member.join(3)
    bench.runtime.forward(SECOND)
    member.take(joining.response)
    fill(bench, 100_000)

    synced = member.sync({member.member_id: bytes(200_000)})
    bench.runtime.work()

    assert (0, 200_000) == (synced.response.error_code, len(synced.response.assignment))


def test_user_whose_groups_fill_their_share_keeps_nobody_else_out(bench: BrokerBench) -> None:
    bench.become("ada")
    fill(bench)

    bench.become("bob")
    GroupMember(bench, metadata=bytes(250_000)).settle()


def test_groups_that_are_read_back_take_their_room(tmp_path: Path) -> None:
    before = open_broker(tmp_path / "data")
    member = GroupMember(before, metadata=bytes(200_000))
    member.settle()

    after = open_broker(tmp_path / "data")

    assert 200_000 < after.broker.coordinator.held_bytes < 210_000
    assert before.broker.coordinator.held_bytes == after.broker.coordinator.held_bytes
    after.close()


def test_heartbeats_put_the_deadline_off(bench: BrokerBench) -> None:
    members = [GroupMember(bench, f"g{number}", session_ms=6_000) for number in range(3)]
    for member in members:
        member.settle()
    for _ in range(5):
        bench.runtime.forward(3 * SECOND)
        assert [0, 0, 0] == [member.beat() for member in members]

    bench.runtime.forward(6 * SECOND)

    assert {ErrorCode.UNKNOWN_MEMBER_ID} == {member.beat() for member in members}


def test_deadline_that_was_overtaken_rings_in_vain(bench: BrokerBench) -> None:
    member = GroupMember(bench, session_ms=20_000)
    member.settle()
    newcomer = GroupMember(bench, session_ms=6_000)
    newcomer.join()

    bench.runtime.forward(6 * SECOND)
    assert 0 == member.beat()
    bench.runtime.forward(19 * SECOND)

    assert 0 == member.beat()


def test_join_is_not_answered_where_the_journal_takes_nothing(bench: BrokerBench) -> None:
    member = GroupMember(bench)
    member.settle()
    bench.disk.faults.append(Fault(operation="fdatasync", name=".log", error=5))
    committed(bench, request(group_id="other"))

    assert ErrorCode.COORDINATOR_NOT_AVAILABLE == GroupMember(bench).join().response.error_code


def test_answers_behind_a_record_wait_for_it_too(bench: BrokerBench) -> None:
    member = GroupMember(bench)
    joining = member.join(0)
    bench.runtime.forward(SECOND)
    member.take(joining.response)
    first, again = member.sync({member.member_id: b"part"}), member.sync()
    assert (None, None) == (first.response, again.response)

    bench.runtime.work()

    assert (b"part", b"part") == (first.response.assignment, again.response.assignment)


def test_lost_answer_harms_nobody(bench: BrokerBench) -> None:
    member = GroupMember(bench)
    member.join(0).reply.abandon()

    bench.runtime.forward(SECOND)

    assert ["g"] == bench.broker.coordinator.group_ids()


def test_closed_coordinator_rings_no_more(bench: BrokerBench) -> None:
    member = GroupMember(bench)
    member.settle()

    bench.broker.coordinator.close()
    bench.runtime.forward(100 * SECOND)

    assert 0 == member.beat()


def test_coordinator_without_groups_closes(bench: BrokerBench) -> None:
    bench.broker.coordinator.close()

    assert not bench.runtime.has_alarm


def test_topic_that_nobody_read_has_nothing_to_forget(bench: BrokerBench) -> None:
    end = bench.leader("__consumer_offsets").log.log_end

    bench.broker.coordinator.forget_topic("t")

    assert end == bench.leader("__consumer_offsets").log.log_end


def delete_without_offsets(bench: BrokerBench) -> None:
    """As a kill leaves it that comes when the topic is gone, and its offsets are not."""
    bench.broker.topics.delete(bench.broker.topics.get("t"), lambda deleted: None)
    bench.runtime.work()


def fetched(bench: BrokerBench) -> list[int]:
    """What is told of the offset of `t`, asked for by name and among all."""
    asked = [OffsetFetchRequestTopic(name="t", partition_indexes=[0])]
    answers = [bench.ask(OffsetFetchRequest(group_id="g", topics=topics), 7).topics for topics in (asked, None)]
    return [place.committed_offset for topics in answers for topic in topics for place in topic.partitions]


def test_offsets_of_a_topic_that_is_gone_are_gone_at_the_next_start(tmp_path: Path) -> None:
    before = open_broker(tmp_path / "data")
    before.make("t")
    committed(before, request())
    delete_without_offsets(before)

    after = open_broker(tmp_path / "data")

    assert None is kept(after)
    after.make("t")
    assert [-1] == fetched(after)
    after.close()


def test_topic_made_anew_is_not_read_from_where_its_predecessor_was_left(tmp_path: Path) -> None:
    before = open_broker(tmp_path / "data")
    before.make("t")
    committed(before, request(9))
    delete_without_offsets(before)
    before.make("t")
    assert [-1] == fetched(before)

    after = open_broker(tmp_path / "data")
    assert [-1] == fetched(after)
    committed(after, request(3))
    assert [3, 3] == fetched(after)
    again = open_broker(tmp_path / "data")

    assert [3, 3] == fetched(again)
    again.close()


def test_journal_that_cannot_be_shortened_harms_nobody(bench: BrokerBench) -> None:
    for _ in range(600):
        committed(bench, request(metadata="x" * 4_000))
    assert kept(bench) is not None
    bench.disk.faults.append(Fault(operation="pwrite", name=".log", error=28))
    for _ in range(3):
        committed(bench, request())

    assert kept(bench) is not None


LARGE = b"x" * 200_000


def come_and_go(bench: BrokerBench, group_id: str) -> None:
    """A member that its group keeps much of, for two generations."""
    member = GroupMember(bench, group_id, metadata=LARGE)
    member.settle()
    assert 0 == member.leave()


def test_journal_of_groups_that_only_rebalance_is_shortened(tmp_path: Path) -> None:
    bench = open_broker(tmp_path / "data")
    stays = GroupMember(bench, "stays")
    stays.settle()
    log = bench.leader("__consumer_offsets").log
    sizes = []
    for _ in range(20):
        come_and_go(bench, "comes and goes")
        sizes.append(log.log_end - log.log_start)
        assert 0 == stays.beat()
    assert log.log_start > 0
    assert max(sizes) < 12, "twenty rounds make forty records"

    stays.bench = open_broker(tmp_path / "data")

    assert 0 == stays.beat()
    stays.bench.close()


def test_group_that_nobody_is_in_and_that_has_committed_nothing_is_forgotten_in_the_end(bench: BrokerBench) -> None:
    committed(bench, request(group_id="has committed"))
    come_and_go(bench, "has committed")
    come_and_go(bench, "nothing")
    GroupMember(bench, "is in").settle()
    newcomer = GroupMember(bench, "nothing yet")
    newcomer.join()
    assert {"has committed", "nothing", "is in", "nothing yet"} == set(bench.broker.coordinator.group_ids())

    for _ in range(4):
        come_and_go(bench, "has committed")

    assert {"has committed", "is in", "nothing yet"} == set(bench.broker.coordinator.group_ids())
    group = bench.broker.coordinator.group("has committed")
    assert group is not None
    assert 10 == group.generation


def test_group_of_an_open_transaction_is_not_forgotten(bench: BrokerBench, producer: TransactionalProducer) -> None:
    come_and_go(bench, "g")
    producer.add_offsets("g")
    assert 0 == producer.commit_offset(5, group="g")

    for _ in range(4):
        come_and_go(bench, "other")

    assert "g" in bench.broker.coordinator.group_ids()


def test_commit_that_a_full_disk_held_up_counts_when_there_is_space_as_after_a_restart(tmp_path: Path) -> None:
    bench = open_broker(tmp_path / "data")
    bench.make("t")
    bench.disk.faults.append(Fault(operation="pwrite", name="synced", error=28))
    assert ErrorCode.COORDINATOR_NOT_AVAILABLE == committed(bench, request())
    assert None is kept(bench)
    bench.disk.faults.clear()

    Upkeep(bench.broker.topics, bench.runtime).tick()
    bench.runtime.work()

    found = kept(bench)
    assert found is not None
    bench.close()
    again = open_broker(tmp_path / "data")
    assert found == kept(again)
    again.close()


def test_commits_of_one_sync_survive_the_shortening_that_it_leads_to(tmp_path: Path) -> None:
    before = open_broker(tmp_path / "data")
    before.make("t")
    log = before.leader("__consumer_offsets").log
    offset = 0
    while log.log_start == 0 and offset <= SHORTEN_ABOVE_BYTES // 1_000:
        offset += 1
        sent = [
            before.send(request(offset, group_id="first", metadata="x" * 4_000)),
            before.send(request(offset, group_id="second")),
        ]
        before.runtime.work()
        assert [0, 0] == [each.response.topics[0].partitions[0].error_code for each in sent]
    assert log.log_start > 0

    after = open_broker(tmp_path / "data")

    found = [after.broker.coordinator.offsets.of(group, "t", 0) for group in ("first", "second")]
    assert [offset, offset] == [each and each.offset for each in found]
    after.close()
