"""What the protocol knows and this version does not do: a command that asks for it is refused by name."""

from collections.abc import Iterator

from tivo.model.errors import CommandError
from tivo.playback.commands import Change, Command, Play, Refused, Resume, SetControls

ACTIONS = frozenset({"mark", "unmark", "marks", "open", "join", "close"})
CONTROLS = frozenset({"image"})
WITHHELD = ACTIONS | CONTROLS
"""A word goes out of these with the change that brings what it names."""


def check(command: Command) -> None:
    """Raises CommandError where a command asks for what is withheld, even where it says it wrongly."""
    withheld = [(word, field) for word, field in _asked(command) if word in WITHHELD]
    if withheld:
        word, field = withheld[0]
        raise CommandError(f"{word} is not offered by this gateway", code="not_offered", field=field)


def _asked(command: Command) -> Iterator[tuple[str, str]]:
    """What a command asks for, each with the field that does."""
    match command:
        case Refused(named=str(action)) if action in ACTIONS:
            yield action, "action"
        case Play(change=change) | SetControls(change=change) | Resume(change=change):
            yield from _controls(change)


def _controls(change: Change) -> Iterator[tuple[str, str]]:
    """The controls that a change switches on."""
    if change.image:
        yield "image", "image"
