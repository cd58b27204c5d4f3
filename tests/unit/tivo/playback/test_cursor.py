import msgspec
import pytest

from tests.unit.tivo.playback.events import event
from tivo.model.errors import CommandError
from tivo.model.event import Cursor
from tivo.model.timeline import Window
from tivo.playback.cursor import Kept, Standing, from_token, to_token
from tivo.playback.merge import FIRST
from tivo.playback.progress import Progress

STANDING = Standing(
    version=1,
    mode="playing",
    epoch=3,
    start_us=100,
    end_us=None,
    from_us=150,
    at_us=200,
    iteration=2,
    delay_us=None,
    thinned=4,
    cursor=(180, "a", 0, 7),
    topics={"a": Kept(b"x" * 16, {0: 5}, {0: 9, 1: 2}, {0: 10}, False)},
)


def test_a_token_gives_back_what_was_put_in() -> None:
    token = to_token(STANDING)

    assert STANDING == from_token(token)
    assert token.isascii()
    assert not set(token) & set('"\\/+=')


@pytest.mark.parametrize("token", ["", "x", "%%%", "é", "bm90IGpzb24", to_token(STANDING)[:-5]])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(CommandError, match="not a token") as refused:
        from_token(token)

    assert ("bad_value", "cursor") == (refused.value.code, refused.value.field)


def test_the_window_is_the_one_played() -> None:
    assert Window(100, None) == STANDING.window


def test_what_came_after_the_token_counts() -> None:
    after = Cursor(190, "a", 1, 1)

    progress = STANDING.progress("a", after, {0: 3, 2: 8})

    assert Progress(base={0: 5, 2: 8}, frontier={0: 9, 1: 2}, cursor=after) == progress


def test_an_older_place_than_the_tokens_does_not_count() -> None:
    assert Cursor(180, "a", 0, 7) == STANDING.behind(Cursor(170, "a", 0, 6))
    assert Cursor(180, "a", 0, 7) == STANDING.behind(None)


def test_thinned_events_are_untold_until_a_later_frame_came() -> None:
    assert 4 == STANDING.untold(None)
    assert 4 == STANDING.untold(event(180, offset=7).cursor)
    assert 0 == STANDING.untold(event(181).cursor)


def test_an_image_is_owed_until_it_was_told_or_something_behind_it_came() -> None:
    standing = Standing(1, "playing", 1, None, None, None, None, 1, None, 0, FIRST, {}, imaged=False)
    after = Cursor(1, "a", 0, 0)

    assert standing.owes_image(None, {})
    assert standing.owes_image(None, {"a": {}})
    assert not standing.owes_image(after, {})
    assert not standing.owes_image(None, {"a": {0: 4}})
    assert not msgspec.structs.replace(standing, imaged=True).owes_image(None, {})
    assert standing == from_token(to_token(standing))
