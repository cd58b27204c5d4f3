"""Every exception that tivo raises on purpose.

    TivoError
    ├── RequestError                 the caller is wrong: answered to the caller, nobody else notices
    │   ├── CommandError             a viewer's command or control (code, field)
    │   ├── UnknownTopic             a topic that is not there
    │   ├── OffsetOutOfRange         an offset that a partition does not hold
    │   ├── RecordError              a record that cannot be taken
    │   ├── QueryError               a filter expression or query that cannot be read (line, column, expected)
    │   ├── ConfigError              a setting, a flag or a `tivo.toml`
    │   └── AuthenticationError      somebody is not who he says, or does not say it right
    ├── NeighbourError               something that tivo leans on failed: retried or told, the cause kept
    │   ├── StoreError               a store is away, damaged or refused
    │   │   └── PageGap              a page begins beyond the frontier: what lies between would be lost
    │   │       └── StalePage        a page is from before its partition's end was cut off
    │   ├── LogError                 the log on disk is damaged, full or read-only
    │   ├── BrokerError              a Kafka broker is away or refused
    │   └── GatewayError             a gateway closed, or refused a viewer
    └── WireError                    bytes that are not the Kafka protocol: the connection is closed

A fault of ours is an AssertionError and is never caught.
"""


class TivoError(Exception):
    """Root of the tree; never raised itself."""


class RequestError(TivoError):
    """The caller is wrong. The message names the culprit and the evidence."""


class CommandError(RequestError):
    """A viewer asked for what cannot be done; nothing has changed.

    `code` is one of the error codes of the playback protocol, `field` the control at fault.
    """

    def __init__(self, message: str, *, code: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class UnknownTopic(RequestError):
    """No topic has this name or id."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"there is no topic named {topic!r}")
        self.topic = topic


class OffsetOutOfRange(RequestError):
    """A partition does not hold this offset: it lies before the start of the log or behind its end."""

    def __init__(self, partition: str, offset: int, *, log_start: int, log_end: int) -> None:
        super().__init__(f"{partition} holds offsets {log_start} to below {log_end}, not {offset}")
        self.offset = offset
        self.log_start = log_start
        self.log_end = log_end


class RecordError(RequestError):
    """A record cannot be taken as it is."""


class QueryError(RequestError):
    """Text in the query language says nothing that can be done. The place counts lines and characters from 1.

    `expected` tells what could have stood there, where that is known.
    """

    def __init__(self, message: str, *, line: int, column: int, expected: tuple[str, ...] = ()) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.line = line
        self.column = column
        self.expected = expected


class ConfigError(RequestError):
    """A setting is unknown, missing or out of bounds."""


class AuthenticationError(RequestError):
    """Somebody did not prove who he is. The message may be told to him: it does not say who there is."""


class NeighbourError(TivoError):
    """A store, a broker or a disk failed; `__cause__` holds what it said."""


class StoreError(NeighbourError):
    """A store is away, damaged or refused."""


class PageGap(StoreError):
    """A page begins beyond the frontier, so writing it would lose what lies between."""

    def __init__(self, *, topic: str, partition: int, frontier: int, base: int) -> None:
        super().__init__(
            f"{topic}/{partition}: the page begins at offset {base}, the store holds everything below {frontier}"
        )
        self.topic = topic
        self.partition = partition
        self.frontier = frontier
        self.base = base


class StalePage(PageGap):
    """A page was fetched before the end of its partition was cut off; its offsets stand for other records by now."""

    def __init__(self, *, topic: str, partition: int, owner_epoch: int, held: int) -> None:
        StoreError.__init__(
            self, f"{topic}/{partition}: the page is of owner epoch {owner_epoch}, the store is at {held}"
        )
        self.topic = topic
        self.partition = partition


class LogError(NeighbourError):
    """The log on disk is damaged, full or read-only."""


class BrokerError(NeighbourError):
    """A Kafka broker is away or refused."""


class GatewayError(NeighbourError):
    """A gateway closed, or refused a viewer."""


class WireError(TivoError):
    """Bytes that are not the Kafka protocol."""
