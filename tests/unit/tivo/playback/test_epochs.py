from itertools import count

from msgspec.structs import replace

from tests.unit.tivo.playback.events import now, topic
from tivo.model.event import Cursor
from tivo.model.timeline import Window
from tivo.playback.controls import Controls
from tivo.playback.credit import Credit
from tivo.playback.effects import Cancel
from tivo.playback.epochs import Epochs
from tivo.playback.notices import Status
from tivo.playback.progress import Bounds, Start


def epochs(*names: str, patterns: tuple[str, ...] = ("*",)) -> Epochs:
    return Epochs(patterns, {name: topic(name) for name in names}, Bounds(), Credit())


def test_epochs_are_numbered_in_turn_whatever_they_begin_with() -> None:
    made = epochs("a")

    made.begin(Controls(), now(), from_us=None, iteration=1)
    made.begin_live(Controls(), now(), new=Start.EDGE)

    assert 2 == made.number
    assert made.current is not None and 2 == made.current.number


def test_the_reads_of_an_epoch_end_with_it() -> None:
    made = epochs("a")
    made.begin(Controls(), now(), from_us=None, iteration=1)
    assert made.current is not None
    made.current.reading.reads(iter([7]), 0)

    assert [Cancel((7,))] == made.begin(Controls(), now(), from_us=None, iteration=2)
    assert [] == made.free()
    assert made.current is None


def test_topics_that_come_are_joined_and_those_that_go_are_told() -> None:
    made = epochs("a")
    made.begin(Controls(), now(), from_us=None, iteration=1)

    came = made.topics_changed({"a": topic("a"), "b": topic("b")})
    made.join(Controls())
    joined = set(made.current.reading.tracks) if made.current is not None else set()
    went = made.topics_changed({"b": topic("b")})

    assert (False, True) == (came, went)
    assert {"a", "b"} == joined


def test_a_topic_made_anew_is_gone() -> None:
    made = epochs("a")
    made.begin(Controls(), now(), from_us=None, iteration=1)

    assert made.topics_changed({"a": topic("a", made=2)})


def test_before_anything_is_played_topics_come_and_go() -> None:
    made = epochs("a")

    assert not made.topics_changed({})
    made.join(Controls())
    assert {} == made.topics


def test_other_patterns_that_match_the_same_play_the_same() -> None:
    made = epochs("a", "b", patterns=("a",))

    assert not made.subscribe(("a", "a*"))
    assert made.subscribe(("a", "b"))
    assert ["a", "b"] == list(made.topics)


def test_without_an_epoch_it_stands_at_the_start_of_the_window() -> None:
    assert (0, {}) == (epochs("a").standing(Status.PAUSED, Controls(), now()).epoch, {})


def test_a_resume_stands_where_the_token_says() -> None:
    made = epochs("a")
    made.begin(Controls(), now(), from_us=None, iteration=1)
    standing = replace(made.standing(Status.TAILING, Controls(), now()), epoch=7, at_us=50, cursor=(40, "a", 0, 3))

    made.resume(standing, Cursor(60, "a", 0, 4), {}, Controls(), now())

    assert made.current is not None
    assert 7 == made.current.number
    assert made.current.hurry
    assert Cursor(60, "a", 0, 4) == made.current.cursor
    assert 60 == made.current._at_us


def test_a_window_in_the_past_owes_nothing_of_topics_that_come_later() -> None:
    made = epochs("a")
    controls = Controls(window=Window(0, now().wall_us - 1))
    made.begin(controls, now(), from_us=0, iteration=1, goals={"a": {0: 3}})

    made.topics_changed({"a": topic("a"), "b": topic("b")})
    made.join(controls)

    assert made.current is not None and ["a"] == list(made.current.reading.tracks)


def test_nothing_goes_on_at_the_live_edge_before_anything_was_near_it() -> None:
    assert not epochs("a").goes_on


def test_the_image_of_an_epoch_ends_with_it() -> None:
    made = epochs("a")
    made.begin(Controls(), now(), from_us=50, iteration=1)
    made.imagine(Controls(), now())
    assert made.current is not None and made.current.image is not None
    made.current.image.advance(count(7), 0)

    assert [Cancel((7,))] == made.free()
