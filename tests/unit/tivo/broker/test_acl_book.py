"""The journal of the access control entries."""

from errno import ENOSPC
from pathlib import Path

import pytest

from tests.support.acls import create, creation
from tests.support.broker import BrokerBench, open_broker
from tests.support.faulty_disk import Fault
from tivo.auth.acl import Acls, Entry, Operation, PatternType, Permission, ResourceType
from tivo.auth.principals import Principal
from tivo.broker.acl_book import ACL_FORMAT, AclBook, Kept, from_record
from tivo.broker.assembly import ACL_TOPIC
from tivo.broker.journal import SHORTEN_ABOVE_BYTES, Journal
from tivo.broker.upkeep import Upkeep
from tivo.model.errors import LogError
from tivo.wire.error_codes import ErrorCode
from tivo.wire.messages.delete_acls import DeleteAclsFilter, DeleteAclsRequest

ANY = DeleteAclsFilter(
    resource_type_filter=1,
    resource_name_filter=None,
    pattern_type_filter=1,
    principal_filter=None,
    host_filter=None,
    operation=1,
    permission_type=1,
)


def entry(name: str = "t") -> Entry:
    return Entry(ResourceType.TOPIC, PatternType.LITERAL, name, "User:ada", "*", Operation.READ, Permission.ALLOW)


def guarded_broker(data: Path) -> BrokerBench:
    opened = open_broker(data, authorizer="acl", super_users=(Principal("root"),))
    opened.become("root")
    return opened


def entries(bench: BrokerBench) -> list[Entry]:
    assert bench.broker.authorizer.acls is not None
    return list(bench.broker.authorizer.acls)


def test_entries_outlast_the_broker(tmp_path: Path) -> None:
    first = guarded_broker(tmp_path)
    create(first, creation(name="a"), creation(name="b"))
    first.ask(DeleteAclsRequest(filters=[ANY]))
    create(first, creation())
    first.close()

    second = guarded_broker(tmp_path)

    assert [entry()] == entries(second)
    second.close()


def test_entry_counts_once_it_is_safe(guarded: BrokerBench) -> None:
    told: list[LogError | None] = []
    assert guarded.broker.authorizer.book is not None
    guarded.broker.authorizer.book.change([Kept(entry(), True)], told.append)
    assert ([], []) == (told, entries(guarded))

    guarded.runtime.work()

    assert ([None], [entry()]) == (told, entries(guarded))


@pytest.mark.parametrize("call", ["pwrite", "fdatasync"])
def test_entry_that_cannot_be_kept_does_not_count(guarded: BrokerBench, call: str) -> None:
    guarded.disk.faults.append(Fault(operation=call, name=".log", error=5))

    (result,) = create(guarded, creation())

    assert ErrorCode.UNKNOWN_SERVER_ERROR == result.error_code
    assert [] == entries(guarded)


@pytest.mark.parametrize("stands", [True, False])
def test_change_that_a_full_disk_held_up_counts_when_there_is_space_as_after_a_restart(
    tmp_path: Path, *, stands: bool
) -> None:
    bench = guarded_broker(tmp_path)
    if not stands:
        create(bench, creation())
    told: list[LogError | None] = []
    assert bench.broker.authorizer.book is not None
    bench.disk.faults.append(Fault(operation="pwrite", name="synced", error=ENOSPC))
    bench.broker.authorizer.book.change([Kept(entry(), stands)], told.append)
    bench.runtime.work()
    before = entries(bench)
    bench.disk.faults.clear()

    Upkeep(bench.broker.topics, bench.runtime).tick()
    bench.runtime.work()

    (error,) = told
    assert isinstance(error, LogError)
    assert ([] if stands else [entry()]) == before
    assert ([entry()] if stands else []) == entries(bench)
    bench.close()
    again = guarded_broker(tmp_path)
    assert entries(bench) == entries(again)
    again.close()


def test_journal_is_shortened_to_what_stands(guarded: BrokerBench) -> None:
    acls = Acls()
    book = AclBook(acls, Journal(guarded.leader(ACL_TOPIC), guarded.runtime, ACL_FORMAT))
    many = [Kept(entry("x" * 200), stands) for stands in (False, True)] * 500
    for _ in range(SHORTEN_ABOVE_BYTES // (1_000 * 250) + 2):
        book.change(many, lambda error: None)
        guarded.runtime.work()

    assert 0 < guarded.leader(ACL_TOPIC).log.log_start
    again = Acls()
    AclBook(again, Journal(guarded.leader(ACL_TOPIC), guarded.runtime, ACL_FORMAT)).load()
    assert list(acls) == list(again)


def test_damaged_record_is_named() -> None:
    with pytest.raises(LogError, match="access control journal is damaged"):
        from_record(b"[1]", b"{}")
