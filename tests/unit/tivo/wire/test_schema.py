"""What a declaration comes to in one version."""

from tests.unit.tivo.wire.sample import API, Leader, Note, Part, Point, SampleRequest
from tivo.wire.schema import Api, Array, Blob, Field, Fixed, Records, Structure, Text, structure


def names(version: int) -> list[str]:
    return [field.name for field in structure(SampleRequest, version).fields]


def found(name: str, version: int) -> Field:
    kind = structure(SampleRequest, version)
    (field,) = (field for field in (*kind.fields, *kind.tagged) if field.name == name)
    return field


def test_a_field_is_there_from_its_first_version_to_its_last() -> None:
    assert ["added" in names(version) for version in range(5)] == [False, False, True, True, True]
    assert ["dropped" in names(version) for version in range(5)] == [True, True, False, False, False]


def test_fields_stand_in_the_order_of_their_declaration() -> None:
    assert ["flag", "tiny", "name", "blob", "maybe", "added"] == names(2)[:6]


def test_a_field_is_nullable_from_the_version_that_says_so() -> None:
    assert [False, True, True] == [found("name", version).nullable for version in range(3)]


def test_an_optional_field_without_a_version_is_nullable_in_all() -> None:
    assert [True] * 5 == [found("maybe", version).nullable for version in range(5)]


def test_a_field_that_is_not_optional_is_never_nullable() -> None:
    assert not any(found("blob", version).nullable for version in range(5))


def test_tagged_fields_stand_apart_by_their_numbers() -> None:
    assert [("notes", 0), ("leader", 1)] == [(field.name, field.tag) for field in structure(SampleRequest, 4).tagged]
    assert () == structure(SampleRequest, 3).tagged


def test_a_field_keeps_its_default() -> None:
    assert 7 == found("dropped", 0).default
    assert [] == found("numbers", 0).default
    assert Leader() == found("leader", 4).default


def test_types_become_kinds() -> None:
    assert Fixed("?", 1) == found("flag", 0).kind
    assert Fixed("16s", 16) == found("uuid", 0).kind
    assert Text() == found("name", 0).kind
    assert Blob() == found("maybe", 0).kind
    assert Array(Fixed("i", 4)) == found("numbers", 0).kind
    assert Array(Text()) == found("names", 0).kind


def test_structs_inside_are_resolved_in_the_same_version() -> None:
    point = found("points", 0).kind
    part = found("parts", 0).kind
    note = found("notes", 4).kind

    assert isinstance(point, Array)
    assert isinstance(part, Array)
    assert isinstance(note, Array)
    assert isinstance(point.element, Structure)
    assert isinstance(part.element, Structure)
    assert isinstance(note.element, Structure)
    assert [Point, Part, Note] == [point.element.type, part.element.type, note.element.type]
    assert ["x", "y"] == [field.name for field in point.element.fields]
    assert Records() == part.element.fields[1].kind
    assert ["author"] == [field.name for field in note.element.tagged]


def test_an_api_knows_the_versions_it_serves() -> None:
    assert [False, True, True, False] == [API.serves(version) for version in (-1, 0, 4, 5)]


def test_an_api_is_flexible_from_the_version_it_says() -> None:
    assert [False, True] == [API.is_flexible(version) for version in (2, 3)]
    assert not Api(key=1, name="Old", first=0, last=9).is_flexible(9)
