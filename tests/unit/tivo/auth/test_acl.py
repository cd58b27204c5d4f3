"""Access control lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tivo.auth.acl import (
    CLUSTER,
    Acls,
    Entry,
    Filter,
    Operation,
    PatternType,
    Permission,
    Resource,
    ResourceType,
    group,
    topic,
    transactional_id,
)
from tivo.auth.principals import Principal

ADA, BEN = Principal("ada"), Principal("ben")
HOST = "10.0.0.1"
T = Resource(ResourceType.TOPIC, "a.t")


def entry(
    operation: Operation = Operation.READ,
    *,
    name: str = "a.t",
    pattern: PatternType = PatternType.LITERAL,
    principal: str = "User:ada",
    host: str = "*",
    kind: ResourceType = ResourceType.TOPIC,
    deny: bool = False,
) -> Entry:
    permission = Permission.DENY if deny else Permission.ALLOW
    return Entry(kind, pattern, name, principal, host, operation, permission)


def acls(*entries: Entry) -> Acls:
    made = Acls(super_users=[Principal("root")])
    for each in entries:
        made.add(each)
    return made


PREFIX = PatternType.PREFIXED
CASES = {
    "nothing is allowed that no entry allows": ([], False),
    "an entry allows": ([entry()], True),
    "for every user": ([entry(principal="User:*")], True),
    "for another user": ([entry(principal="User:ben")], False),
    "from this address": ([entry(host=HOST)], True),
    "from another address": ([entry(host="10.0.0.2")], False),
    "to everything": ([entry(name="*")], True),
    "to what begins so": ([entry(name="a.", pattern=PREFIX)], True),
    "to what begins otherwise": ([entry(name="b.", pattern=PREFIX)], False),
    "a star is no prefix": ([entry(name="*", pattern=PREFIX)], False),
    "another thing": ([entry(name="a.u")], False),
    "another type of that name": ([entry(kind=ResourceType.GROUP)], False),
    "another operation": ([entry(Operation.WRITE)], False),
    "all operations": ([entry(Operation.ALL)], True),
    "deny wins": ([entry(), entry(deny=True, name="a.", pattern=PREFIX)], False),
    "deny of all wins": ([entry(), entry(Operation.ALL, deny=True)], False),
    "deny of another": ([entry(), entry(Operation.WRITE, deny=True)], True),
}


@pytest.mark.parametrize(("entries", "allows"), CASES.values(), ids=CASES)
def test_who_may_read(entries: list[Entry], allows: bool) -> None:
    assert allows == acls(*entries).allows(ADA, HOST, Operation.READ, T)


def test_super_user_may_everything() -> None:
    there = acls(entry(Operation.ALL, principal="User:*", deny=True))

    assert there.allows(Principal("root"), HOST, Operation.ALTER, CLUSTER)
    assert there.allows_some(Principal("root"), HOST, Operation.WRITE, ResourceType.TOPIC)


@pytest.mark.parametrize("operation", [Operation.READ, Operation.WRITE, Operation.DELETE, Operation.ALTER])
def test_doing_implies_seeing(operation: Operation) -> None:
    assert acls(entry(operation)).allows(ADA, HOST, Operation.DESCRIBE, T)
    assert not acls(entry(operation)).allows(ADA, HOST, Operation.DESCRIBE_CONFIGS, T)


def test_altering_settings_implies_seeing_them() -> None:
    assert acls(entry(Operation.ALTER_CONFIGS)).allows(ADA, HOST, Operation.DESCRIBE_CONFIGS, T)


def test_seeing_denied_is_not_implied() -> None:
    assert not acls(entry(), entry(Operation.DESCRIBE, deny=True)).allows(ADA, HOST, Operation.DESCRIBE, T)


@pytest.mark.parametrize(
    ("entries", "allows"),
    [
        ([], False),
        ([entry()], True),
        ([entry(Operation.ALL)], True),
        ([entry(kind=ResourceType.GROUP)], False),
        ([entry(), entry(deny=True)], False),
        ([entry(name="*"), entry(deny=True)], True),
        ([entry(name="*"), entry(name="a", pattern=PREFIX, deny=True)], True),
        ([entry(name="*"), entry(name="*", deny=True)], False),
        ([entry(name="a.", pattern=PREFIX), entry(name="a.", deny=True)], True),
        ([entry(name="a.b", pattern=PREFIX), entry(name="a.", pattern=PREFIX, deny=True)], False),
    ],
)
def test_whether_there_is_any_that_may_be_read(entries: list[Entry], allows: bool) -> None:
    assert allows == acls(*entries).allows_some(ADA, HOST, Operation.READ, ResourceType.TOPIC)


def test_entry_that_is_removed_no_longer_counts() -> None:
    there = acls(entry(), entry())
    assert [entry()] == list(there)

    there.remove(entry())
    there.remove(entry())

    assert [] == list(there)


def test_resources_by_their_type() -> None:
    assert (T, Resource(ResourceType.GROUP, "g")) == (topic("a.t"), group("g"))
    assert Resource(ResourceType.TRANSACTIONAL_ID, "x") == transactional_id("x")


def test_every_change_is_counted() -> None:
    there = acls(entry())
    there.remove(entry())

    assert 2 == there.changes


LITERAL, PREFIXED, STAR = entry(), entry(name="a.", pattern=PREFIX), entry(name="*", principal="User:ben", deny=True)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(), [LITERAL, PREFIXED, STAR]),
        (Filter(pattern=PatternType.MATCH), [LITERAL, PREFIXED, STAR]),
        (Filter(pattern=PREFIX), [PREFIXED]),
        (Filter(name="a.t"), [LITERAL]),
        (Filter(name="a.", pattern=PatternType.LITERAL), []),
        (Filter(name="a.", pattern=PREFIX), [PREFIXED]),
        (Filter(name="a.t", pattern=PatternType.MATCH), [LITERAL, PREFIXED, STAR]),
        (Filter(name="b", pattern=PatternType.MATCH), [STAR]),
        (Filter(resource_type=ResourceType.GROUP), []),
        (Filter(principal="User:ben"), [STAR]),
        (Filter(host=HOST), []),
        (Filter(operation=Operation.WRITE), []),
        (Filter(permission=Permission.DENY), [STAR]),
    ],
)
def test_what_a_filter_finds(wanted: Filter, found: list[Entry]) -> None:
    assert found == acls(LITERAL, PREFIXED, STAR).found(wanted)


names = st.text("ab", max_size=3)
entries = st.builds(
    Entry,
    st.just(ResourceType.TOPIC),
    st.sampled_from([PatternType.LITERAL, PREFIX]),
    names | st.just("*"),
    st.sampled_from(["User:ada", "User:ben", "User:*"]),
    st.just("*"),
    st.sampled_from([Operation.READ, Operation.ALL]),
    st.sampled_from([Permission.ALLOW, Permission.DENY]),
)


@given(st.lists(entries, max_size=5), names, entries.filter(lambda each: each.permission is Permission.DENY))
def test_denial_never_allows_more(there: list[Entry], name: str, denial: Entry) -> None:
    resource = Resource(ResourceType.TOPIC, name)
    if acls(*there, denial).allows(ADA, HOST, Operation.READ, resource):
        assert acls(*there).allows(ADA, HOST, Operation.READ, resource)


@given(st.lists(entries, max_size=5), names)
def test_some_are_allowed_where_one_is(there: list[Entry], name: str) -> None:
    if acls(*there).allows(ADA, HOST, Operation.READ, Resource(ResourceType.TOPIC, name)):
        assert acls(*there).allows_some(ADA, HOST, Operation.READ, ResourceType.TOPIC)
