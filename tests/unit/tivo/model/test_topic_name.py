import pytest

from tivo.model.topic_name import is_legal_name, no_name


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "_a", "...", "x" * 249])
def test_kafkas_names_are_legal(name: str) -> None:
    assert is_legal_name(name)


@pytest.mark.parametrize("name", ["", ".", "..", "__a", "a b", "a/b", "ü", "a\n", "x" * 250])
def test_others_are_not_and_the_rule_is_told(name: str) -> None:
    assert not is_legal_name(name)
    assert f"{name!r} is no name for a topic: 1 to 249 letters" in no_name(name)


def test_a_name_without_end_is_not_told_whole() -> None:
    assert 500 > len(no_name("x" * 100_000))
