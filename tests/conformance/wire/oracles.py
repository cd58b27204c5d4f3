"""Two codecs that know nothing of ours, made to write the same message: kio and kafka-python.

Both are made from Apache Kafka's own message schemas, each by people of its own. A field is found by its name.
"""

import dataclasses
import datetime
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from io import BytesIO
from types import NoneType
from typing import Any, NamedTuple, Protocol, get_args, get_type_hints
from uuid import UUID

import msgspec
from kio.schema.errors import ErrorCode
from kio.serial import entity_writer

from tivo.wire.schema import NO_UUID, UNKNOWN_OPERATIONS, Message

with warnings.catch_warnings():
    warnings.simplefilter(
        "ignore", DeprecationWarning
    )  # kafka-python reads its schemas by importlib.resources.read_text
    KAFKA_PYTHON = [
        import_module(f"kafka.protocol.{name}") for name in ("admin", "consumer", "metadata", "producer", "sasl")
    ]
    KAFKA_PYTHON_RECORDS = import_module("kafka.record.default_records")
EPOCH = datetime.datetime.fromtimestamp(0, datetime.UTC)


class Fact(NamedTuple):
    """What an oracle says about a field in one version."""

    nullable: bool
    tag: int | None


class Oracle(Protocol):
    def fields(self, message: type[Message], version: int) -> dict[str, Fact]:
        """Every field of the message in this version, by its path of names."""

    def write(self, message: Message, version: int) -> bytes: ...


class Kio:
    """A dataclass per message and version, with types of their own for durations, dates, errors and uuids."""

    def fields(self, message: type[Message], version: int) -> dict[str, Fact]:
        return self._facts(self._type(message, version), "")

    def write(self, message: Message, version: int) -> bytes:
        kind, written = self._type(type(message), version), BytesIO()
        entity_writer(kind)(written, self._struct(message, kind))
        return written.getvalue()

    def _type(self, message: type[Message], version: int) -> Any:
        api = message.__module__.rpartition(".")[2]
        side = message.__name__.removeprefix(message.api.name).lower()
        return getattr(import_module(f"kio.schema.{api}.v{version}.{side}"), message.__name__)

    def _facts(self, kind: Any, path: str) -> dict[str, Fact]:
        hints = get_type_hints(kind)
        facts = {}
        for field in dataclasses.fields(kind):
            name, hint = path + self._our_name(field), hints[field.name]
            is_none_a_value = field.metadata.get("kafka_type") in ("uuid", "datetime_i64")
            facts[name] = Fact(NoneType in get_args(hint) and not is_none_a_value, field.metadata.get("tag"))
            if dataclasses.is_dataclass(inner := _innermost(hint)):
                facts |= self._facts(inner, f"{name}.")
        return facts

    def _our_name(self, field: Any) -> str:
        """kio drops the unit from the name of what it holds as a duration or date, where Kafka's name has one."""
        kafka_type = str(field.metadata.get("kafka_type"))
        has_unit = kafka_type.startswith(("timedelta", "datetime")) and field.name != "timestamp"
        return f"{field.name}_ms" if has_unit else field.name

    def _struct(self, struct: Any, kind: Any) -> Any:
        hints = get_type_hints(kind)
        return kind(
            **{
                field.name: self._value(
                    getattr(struct, self._our_name(field)), field.metadata.get("kafka_type"), hints[field.name]
                )
                for field in dataclasses.fields(kind)
            }
        )

    def _value(self, value: Any, kafka_type: str | None, hint: Any) -> Any:
        if isinstance(value, list):
            return tuple(self._value(one, kafka_type, hint) for one in value)
        if isinstance(value, msgspec.Struct):
            return self._struct(value, _innermost(hint))
        if value is None or kafka_type not in CONVERTED:
            return value
        return CONVERTED[kafka_type](value)


CONVERTED: dict[str | None, Callable[[Any], Any]] = {
    "error_code": ErrorCode,
    "uuid": lambda value: None if value == NO_UUID else UUID(bytes=value),
    "records": bytes,
    "timedelta_i32": lambda value: datetime.timedelta(milliseconds=value),
    "timedelta_i64": lambda value: datetime.timedelta(milliseconds=value),
    "datetime_i64": lambda value: None if value == -1 else EPOCH + datetime.timedelta(milliseconds=value),
}


class KafkaPython:
    """A class per message for all versions, its fields read from the schemas at import."""

    def fields(self, message: type[Message], version: int) -> dict[str, Fact]:
        return self._facts(self._type(message)._struct, version, "")

    def defaults(self, message: type[Message], version: int) -> dict[str, object]:
        """The defaults that the schemas state, by path; fields without one are not in it."""
        return self._defaults(self._type(message)._struct, version, "")

    def write(self, message: Message, version: int) -> bytes:
        kind = self._type(type(message))
        return bytes(self._struct(message, kind._struct, kind, version).encode(version=version))

    def _type(self, message: type[Message]) -> Any:
        (kind,) = {getattr(module, message.__name__) for module in KAFKA_PYTHON if hasattr(module, message.__name__)}
        return kind

    def _facts(self, struct: Any, version: int, path: str) -> dict[str, Fact]:
        facts = {}
        for name, field, inner in self._walk(struct, version, path):
            facts[name] = Fact(bool(field.nullable_for_version_q(version)), field._tag)
            if inner is not None:
                facts |= self._facts(inner, version, f"{name}.")
        return facts

    def _defaults(self, struct: Any, version: int, path: str) -> dict[str, object]:
        defaults = {}
        for name, field, inner in self._walk(struct, version, path):
            if "default" in field._json:
                defaults[name] = UNKNOWN_OPERATIONS if field._json["type"] == "bitfield" else field.default
            if inner is not None:
                defaults |= self._defaults(inner, version, f"{name}.")
        return defaults

    def _walk(self, struct: Any, version: int, path: str) -> Iterator[tuple[str, Any, Any]]:
        """Path, field, and the struct inside it, if there is one."""
        for field in self._present(struct, version):
            inner = field.array_of if field.is_struct_array() else field if field.is_struct() else None
            yield path + self._our_name(field, struct), field, inner

    def _our_name(self, field: Any, struct: Any) -> str:
        return RENAMED.get((struct._type_str, field.name), str(field.name))

    def _present(self, struct: Any, version: int) -> list[Any]:
        return [field for field in struct._fields if field.for_version_q(version)]

    def _struct(self, value: Any, struct: Any, kind: Any, version: int) -> Any:
        given = {}
        for field in self._present(struct, version):
            name = self._our_name(field, struct)
            inner = getattr(value, name)
            if field._tag is None or inner != _default(value, name):
                given[field.name] = self._value(inner, field, version)
        return kind(version=version, **given)

    def _value(self, value: Any, field: Any, version: int) -> Any:
        if isinstance(value, list):
            return [self._value(one, field, version) for one in value]
        if isinstance(value, msgspec.Struct):
            struct = field.array_of if field.is_struct_array() else field
            return self._struct(value, struct, struct.data_class, version)
        if isinstance(value, memoryview):
            return bytes(value)
        match field._json["type"]:
            case "uuid":
                return UUID(bytes=value)
            case "bitfield":
                return {bit for bit in range(32) if value >> bit & 1}
        return value


RENAMED = {
    ("response", "authorized_operations"): "cluster_authorized_operations",
    ("MetadataResponseTopic", "authorized_operations"): "topic_authorized_operations",
}
"""By the struct they stand in, the fields that kafka-python names otherwise than Kafka; it holds them as bits."""


def _innermost(hint: Any) -> Any:
    """The type inside `tuple[…, ...] | None`."""
    for inner in get_args(hint):
        if inner not in (NoneType, ...):
            return _innermost(inner)
    return hint


def _default(struct: msgspec.Struct, name: str) -> object:
    (field,) = (field for field in msgspec.structs.fields(struct) if field.name == name)
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
