"""Lines of code in the making, and what they are about."""

from tests.unit.tivo.wire.sample import SampleRequest
from tivo.wire.schema import Array, Blob, Field, Fixed, Records, Structure, Text, structure
from tivo.wire.source import BYTE, INT16, INT32, Source, is_packed, smallest

POINTS, PARTS = (field.kind for field in structure(SampleRequest, 0).fields if field.name in ("points", "parts"))


def source() -> Source:
    return Source("def read():", flexible=False)


def test_every_line_knows_its_field() -> None:
    code = source()

    with code.block("if here:", "topics"):
        code.line("there()", "topics.name")

    assert ["def read():", "    if here:", "        there()"] == code.lines
    assert ["the message", "topics", "topics.name"] == code.fields


def test_names_and_constants_are_never_the_same_twice() -> None:
    code = source()

    names = [code.name("v"), code.name("v"), code.constant("v", "a value")]

    assert 3 == len(set(names))
    assert {names[2]: "a value"} == code.constants


def test_a_run_becomes_one_packer() -> None:
    code = source()
    code.run = [(INT16, "a", "first"), (INT32, "b", "second"), (BYTE, "c", "third")]

    packer, values, path = code.take_run()

    assert (">hiB", 7) == (packer.format, packer.size)
    assert ("a, b, c", "first, second, third") == (values, path)
    assert [] == code.run


def test_the_smallest_size_of_every_kind() -> None:
    variable = [Text(), Blob(), Records(), Array(INT32)]

    assert [2, 4, 4, 4] == [smallest(kind, flexible=False) for kind in variable]
    assert [1, 1, 1, 1] == [smallest(kind, flexible=True) for kind in variable]
    assert 16 == smallest(Fixed("16s", 16), flexible=True)


def test_the_smallest_struct_has_its_fields_and_its_tags() -> None:
    pair = Structure(SampleRequest, tuple(Field(name, INT32, False, None, 0) for name in "xy"), ())

    assert 8 == smallest(pair, flexible=False)
    assert 9 == smallest(pair, flexible=True)


def test_only_plain_structs_of_fixed_fields_are_packed() -> None:
    assert isinstance(POINTS, Array)
    assert isinstance(PARTS, Array)
    assert is_packed(POINTS.element, flexible=False)
    assert not is_packed(POINTS.element, flexible=True)
    assert not is_packed(PARTS.element, flexible=False)
    assert not is_packed(Text(), flexible=False)
