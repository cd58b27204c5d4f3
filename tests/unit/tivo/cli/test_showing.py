import pytest

from tivo.cli.showing import Absences, Outages, Watched, filter_of, show, tell_of_loss
from tivo.client.viewer import Connection
from tivo.model.errors import NeighbourError


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


@pytest.mark.parametrize(
    ("keys", "where", "controls"),
    [
        ((), None, {}),
        ((), "", {}),
        (("a", "b*"), None, {"filter": {"key": ["a", "b*"]}}),
        ((), "value.x > 1", {"filter": {"where": "value.x > 1"}}),
        (("a",), "value.x > 1", {"filter": {"key": ["a"], "where": "value.x > 1"}}),
    ],
)
def test_keys_and_an_expression_are_one_control(
    keys: tuple[str, ...], where: str | None, controls: dict[str, object]
) -> None:
    assert controls == filter_of(keys, where)


def test_where_no_gateway_answers_a_viewer_ends_with_what_to_do() -> None:
    with pytest.raises(NeighbourError, match=r"no gateway answers at http://127.0.0.1:1 .*tivo up.*--url"):
        show(Watched(url="http://127.0.0.1:1", topics=("quakes",), first_answer_s=0.1), count=None)


def test_a_gateway_that_goes_and_comes_back_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    outages = Outages("http://a")
    outages.hear(Connection("unanswered", "refused"))
    assert ("", "") == capsys.readouterr()

    outages.was_there = True
    outages.hear(Connection("lost"))
    outages.hear(Connection("back"))

    away, back = capsys.readouterr().err.splitlines()
    assert "tivo: the gateway at http://a is away (it closed); trying again until it is back" == away
    assert "tivo: the gateway at http://a is back" == back


HELLO = {"type": "hello", "now_us": 1_000_000}
UNKNOWN = {"type": "error", "id": None, "code": "unknown_topic", "message": "there is no topic named 'a' yet"}


@pytest.mark.parametrize("end_us", [0, 1_000_000, 1_500_000])
def test_a_topic_that_is_not_there_is_a_mistake_in_a_window_that_is_over(
    end_us: int, capsys: pytest.CaptureFixture[str]
) -> None:
    absences = Absences()

    assert [False, True, False] == [
        absences.hear(notice) for notice in (HELLO, UNKNOWN, {"type": "ack", "state": {"end_us": end_us}})
    ]

    assert "there is no topic named 'a' yet" == absences.mistake
    assert ("", "") == capsys.readouterr()


@pytest.mark.parametrize("end_us", [None, 60_000_000])
def test_it_is_waited_for_where_events_may_still_come(end_us: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    absences = Absences()

    for notice in (HELLO, UNKNOWN, {"type": "ack", "state": {"end_us": end_us}}, {"type": "ack", "state": None}):
        absences.hear(notice)

    assert absences.mistake is None
    assert "tivo: there is no topic named 'a' yet; its events come once it is made\n" == capsys.readouterr().err
