from dataclasses import replace

import pytest

from tivo.gateway.passage import Passage, from_token, resume
from tivo.gateway.problems import Problem
from tivo.gateway.selection import Selection, select
from tivo.model.event import Cursor
from tivo.model.record import Record, to_event
from tivo.model.timeline import Window
from tivo.playback.facts import TopicRef

TOPIC = TopicRef("t", bytes(16), (0, 1))
PASSAGE = Passage(
    topic="t",
    topic_id=TOPIC.topic_id,
    window=Window(5, None),
    upto={0: 9, 1: 3},
    above={0: 2},
    after=Cursor(7, "t", 0, 4),
    selection=select(("a*", "é"), "value.x > 1"),
)


def test_a_passage_is_taken_up_where_it_was_left() -> None:
    assert PASSAGE == resume(PASSAGE.token(), TOPIC)


def test_what_was_wanted_is_wanted_where_it_is_taken_up() -> None:
    wanted = resume(PASSAGE.token(), TOPIC).selection.passes

    events = [
        to_event(Record("t", 0, 0, 0, key, b'{"x": 2}', ()), received_us=0) for key in (b"ab", b"b", "é".encode())
    ]
    assert wanted is not None
    assert [True, False, True] == [wanted(event) for event in events]


def test_it_goes_on_behind_the_event_it_was_left_at() -> None:
    event = to_event(Record("t", 1, 2, 8, None, None, ()), received_us=0)

    assert Cursor(8_000, "t", 1, 2) == PASSAGE.behind(event).after


def test_a_token_fits_into_a_url() -> None:
    assert PASSAGE.token().replace("-", "").replace("_", "").isalnum()


def test_a_cursor_of_a_topic_made_anew_is_refused() -> None:
    with pytest.raises(Problem, match="made anew") as refused:
        resume(PASSAGE.token(), TOPIC._replace(topic_id=b"x" * 16))

    assert 409 == refused.value.status


@pytest.mark.parametrize("token", ["", "x", "é", "AAAA", "gQ"])
def test_what_is_no_cursor_is_refused(token: str) -> None:
    with pytest.raises(Problem, match="no cursor") as refused:
        resume(token, TOPIC)

    assert "bad_cursor" == refused.value.code


@pytest.mark.parametrize(
    "forged",
    [
        replace(PASSAGE, upto={0: 2**64 - 1}),
        replace(PASSAGE, above={0: -1}),
        replace(PASSAGE, upto={2**31: 0}),
        replace(PASSAGE, window=Window(-(2**63), None)),
        replace(PASSAGE, after=Cursor(0, "t", 0, 2**63)),
        replace(PASSAGE, selection=Selection(("a",) * 65)),
        replace(PASSAGE, selection=Selection(("a" * 250,))),
        replace(PASSAGE, selection=Selection((), "value.x >")),
        replace(PASSAGE, selection=Selection((), "true" + " " * 4_093)),
    ],
)
def test_a_cursor_that_holds_what_no_log_can_is_refused(forged: Passage) -> None:
    with pytest.raises(Problem, match="no cursor"):
        resume(forged.token(), TOPIC)


def test_a_token_of_another_kind_is_refused() -> None:
    with pytest.raises(Problem, match="no cursor"):
        from_token(PASSAGE.token(), int)
