import pytest

from tivo.cli.showing import tell_of_loss


@pytest.mark.parametrize(
    ("notice", "said"),
    [
        (
            {"type": "gap", "topic": "a", "partition": 0, "from_offset": 3, "to_offset": 5, "reason": "retention"},
            "tivo: a/0: offsets 3 to 5 are missing (retention)\n",
        ),
        ({"type": "error", "code": "store_unavailable", "message": "it is away"}, "tivo: it is away\n"),
        ({"type": "error", "id": "resume", "action": "resume", "code": "bad_value", "message": "no"}, "tivo: no\n"),
        ({"type": "error", "id": None, "action": "set", "code": "bad_filter", "message": "no"}, "tivo: no\n"),
        ({"type": "error", "id": "3", "action": "play", "code": "bad_speed", "message": "raised"}, ""),
        ({"type": "loop", "iteration": 2, "of": None}, ""),
    ],
)
def test_what_a_person_should_know_is_said(
    notice: dict[str, object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tell_of_loss(notice)

    assert ("", said) == capsys.readouterr()
