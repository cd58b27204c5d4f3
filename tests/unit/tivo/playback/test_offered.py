from fractions import Fraction

import pytest

from tivo.model.errors import CommandError
from tivo.playback import offered
from tivo.playback.commands import AskState, Change, Command, Pause, Play, Refused
from tivo.playback.protocol import decode


def asked(command: Command) -> CommandError:
    with pytest.raises(CommandError) as refused:
        offered.check(command)
    return refused.value


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (decode('{"action":"mark"}'), "action"),
        (decode('{"action":"join","sid":7}'), "action"),
    ],
)
def test_what_is_withheld_is_refused_by_its_field(command: Command, field: str) -> None:
    error = asked(command)

    assert ("not_offered", field) == (error.code, error.field)
    assert "is not offered by this gateway" in str(error)


@pytest.mark.parametrize(
    "command",
    [
        AskState(),
        Pause(),
        Play(),
        Play(change=Change(where="value.x > 1")),
        Play(change=Change(min_gap_us=0, catch_up=Fraction(0), image=True, where="")),
        Refused(named="dance", code="unknown_action", field="action", message="no"),
        Refused(named="image", code="unknown_action", field="action", message="no"),
        Refused(named=None, code="bad_json", field=None, message="no"),
    ],
)
def test_what_asks_for_nothing_withheld_passes(command: Command) -> None:
    offered.check(command)
