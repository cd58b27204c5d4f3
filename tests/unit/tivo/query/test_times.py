import pytest

from tivo.query.times import as_time


@pytest.mark.parametrize(
    ("given", "time_us"),
    [
        ("2016-01-15T14:32:24Z", 1_452_868_344_000_000),
        ("2016-01-15", 1_452_816_000_000_000),
        (1_452_868_344, 1_452_868_344_000_000),
        (1_452_868_344.5, 1_452_868_344_500_000),
        (1_452_868_344_000, 1_452_868_344_000_000),
        ("soon", None),
        ("2016-01-15" + " " * 60, None),
        (1e20, None),
        (10**30, None),
        (True, None),
        (None, None),
        ([], None),
    ],
)
def test_a_text_or_a_number_is_read_as_a_time(given: object, time_us: int | None) -> None:
    assert time_us == as_time(given)
