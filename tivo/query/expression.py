"""An expression as it was read: a tree of values and conditions, each with the place at which it begins."""

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import NamedTuple, TypeAlias


class Place(NamedTuple):
    """Where something stands in a text; both count from 1, the column in characters."""

    line: int
    column: int


class Kind(Enum):
    """What is known of a value before there is an event. What a record holds is known only then: ANY."""

    ANY = "any value"
    CONDITION = "a condition"
    NUMBER = "a number"
    TEXT = "a text"
    TIME = "a time"


class Name(StrEnum):
    """What of an event can be named."""

    VALUE = "value"
    KEY = "key"
    TOPIC = "topic"
    PARTITION = "partition"
    OFFSET = "offset"
    TIME = "time"
    RECEIVED = "received"
    HEADERS = "headers"


KINDS = {
    Name.VALUE: Kind.ANY,
    Name.KEY: Kind.TEXT,
    Name.TOPIC: Kind.TEXT,
    Name.PARTITION: Kind.NUMBER,
    Name.OFFSET: Kind.NUMBER,
    Name.TIME: Kind.TIME,
    Name.RECEIVED: Kind.TIME,
    Name.HEADERS: Kind.TEXT,
}


class Sign(StrEnum):
    """How two values are compared. `==` and `<>` are read as `=` and `!=`."""

    EQUAL = "="
    UNEQUAL = "!="
    BELOW = "<"
    UPTO = "<="
    ABOVE = ">"
    FROM = ">="


class Operation(StrEnum):
    """What is done to two numbers."""

    PLUS = "+"
    MINUS = "-"
    TIMES = "*"
    OVER = "/"
    MODULO = "%"


class Function(StrEnum):
    """What can be called."""

    ABS = "abs"
    LOWER = "lower"
    UPPER = "upper"
    LEN = "len"
    CONTAINS = "contains"
    STARTS = "starts"
    ENDS = "ends"


class Pattern(StrEnum):
    """A way of writing which texts are meant."""

    LIKE = "like"
    GLOB = "glob"


class Lack(StrEnum):
    """Two ways of holding nothing: null is there and says so, absent is not there."""

    NULL = "null"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class _Node:
    at: Place = field(compare=False, kw_only=True)

    @property
    def operands(self) -> "tuple[Expression, ...]":
        """The expressions that it is made of."""
        return ()


@dataclass(frozen=True, slots=True)
class _Condition(_Node):
    @property
    def kind(self) -> Kind:
        return Kind.CONDITION


@dataclass(frozen=True, slots=True)
class _Number(_Node):
    @property
    def kind(self) -> Kind:
        return Kind.NUMBER


@dataclass(frozen=True, slots=True)
class Literal(_Node):
    """A value that is written out."""

    value: bool | int | float | str

    @property
    def kind(self) -> Kind:
        if isinstance(self.value, bool):
            return Kind.CONDITION
        return Kind.TEXT if isinstance(self.value, str) else Kind.NUMBER


@dataclass(frozen=True, slots=True)
class Field(_Node):
    """Something of the event; in its value a path of members and, counted from 0, elements; of headers a name."""

    name: Name
    path: tuple[str | int, ...]

    @property
    def kind(self) -> Kind:
        return KINDS[self.name]


@dataclass(frozen=True, slots=True)
class Negative(_Number):
    """A number below zero that was above, and the other way round."""

    operand: "Expression"

    @property
    def operands(self) -> "tuple[Expression, ...]":
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class Arithmetic(_Number):
    """Two numbers made into one; or how many seconds a time lies behind another."""

    operation: Operation
    left: "Expression"
    right: "Expression"

    @property
    def operands(self) -> "tuple[Expression, ...]":
        return self.left, self.right


RETURNS = {
    Function.ABS: Kind.NUMBER,
    Function.LOWER: Kind.TEXT,
    Function.UPPER: Kind.TEXT,
    Function.LEN: Kind.NUMBER,
    Function.CONTAINS: Kind.CONDITION,
    Function.STARTS: Kind.CONDITION,
    Function.ENDS: Kind.CONDITION,
}


@dataclass(frozen=True, slots=True)
class Call(_Node):
    """A function of one or two values."""

    function: Function
    arguments: "tuple[Expression, ...]"

    @property
    def kind(self) -> Kind:
        return RETURNS[self.function]

    @property
    def operands(self) -> "tuple[Expression, ...]":
        return self.arguments


@dataclass(frozen=True, slots=True)
class Comparison(_Condition):
    """Two values of one kind, compared."""

    sign: Sign
    left: "Expression"
    right: "Expression"

    @property
    def operands(self) -> "tuple[Expression, ...]":
        return self.left, self.right


@dataclass(frozen=True, slots=True)
class Among(_Condition):
    """Whether a value equals one of several; negated: is of the kind of one of them, and equals none."""

    operand: "Expression"
    choices: "tuple[Expression, ...]"
    negated: bool

    @property
    def operands(self) -> "tuple[Expression, ...]":
        return self.operand, *self.choices


@dataclass(frozen=True, slots=True)
class Between(_Condition):
    """Whether low ≤ value ≤ high; negated: whether it lies outside."""

    operand: "Expression"
    low: "Expression"
    high: "Expression"
    negated: bool

    @property
    def operands(self) -> "tuple[Expression, ...]":
        return self.operand, self.low, self.high


@dataclass(frozen=True, slots=True)
class Matches(_Condition):
    """Whether a text is as a pattern says; negated: is a text, and is not."""

    operand: "Expression"
    pattern: Pattern
    text: str
    negated: bool

    @property
    def operands(self) -> "tuple[Expression, ...]":
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class Is(_Condition):
    """Whether a value is null, or absent; negated: is there, and is not."""

    operand: "Expression"
    lack: Lack
    negated: bool

    @property
    def operands(self) -> "tuple[Expression, ...]":
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class Not(_Condition):
    """The opposite of a condition: true of all events of which that is false."""

    operand: "Expression"

    @property
    def operands(self) -> "tuple[Expression, ...]":
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class And(_Condition):
    """All of several conditions."""

    parts: "tuple[Expression, ...]"

    @property
    def operands(self) -> "tuple[Expression, ...]":
        return self.parts


@dataclass(frozen=True, slots=True)
class Or(_Condition):
    """At least one of several conditions."""

    parts: "tuple[Expression, ...]"

    @property
    def operands(self) -> "tuple[Expression, ...]":
        return self.parts


Expression: TypeAlias = (
    Literal | Field | Negative | Arithmetic | Call | Comparison | Among | Between | Matches | Is | Not | And | Or
)
