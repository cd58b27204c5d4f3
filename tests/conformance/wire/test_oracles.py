"""What we write is what kio and kafka-python write, byte for byte, and we read it back: all messages, all versions."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.wire.cases import CASES, NAMES, messages
from tests.conformance.wire.oracles import Fact, KafkaPython, Kio, Oracle
from tivo.wire.codec import decode, encode
from tivo.wire.schema import Array, Field, Message, Structure, structure

ORACLES = [Kio(), KafkaPython()]
every_oracle = pytest.mark.parametrize("oracle", ORACLES, ids=["kio", "kafka-python"])
every_message = pytest.mark.parametrize(("message", "version"), CASES, ids=NAMES)


@every_oracle
@every_message
def test_a_version_has_the_same_fields(oracle: Oracle, message: type[Message], version: int) -> None:
    assert oracle.fields(message, version) == {
        path: Fact(field.nullable, field.tag) for path, field in fields(structure(message, version), "")
    }


@every_message
def test_fields_have_the_defaults_of_the_schemas(message: type[Message], version: int) -> None:
    ours = {path: field.default for path, field in fields(structure(message, version), "")}
    stated = KafkaPython().defaults(message, version)

    assert stated == {path: ours[path] for path in stated}


@every_oracle
@every_message
def test_the_default_message_is_written_alike(oracle: Oracle, message: type[Message], version: int) -> None:
    default = message()

    written = b"".join(encode(default, version))

    assert oracle.write(default, version) == written


@every_message
@settings(max_examples=10)
@given(data=st.data())
def test_any_message_is_written_alike_and_read_back(message: type[Message], version: int, data: st.DataObject) -> None:
    sent = data.draw(messages(message, version))

    written = b"".join(encode(sent, version))

    assert [written, written] == [oracle.write(sent, version) for oracle in ORACLES]
    assert sent == decode(message, version, memoryview(written))


def fields(kind: Structure, path: str) -> Iterator[tuple[str, Field]]:
    for field in (*kind.fields, *kind.tagged):
        yield path + field.name, field
        inner = field.kind.element if isinstance(field.kind, Array) else field.kind
        if isinstance(inner, Structure):
            yield from fields(inner, f"{path}{field.name}.")
