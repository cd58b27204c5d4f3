"""What the protocol knows and this version does not do: a command that asks for it is refused by name."""

from tivo.model.errors import CommandError
from tivo.playback.commands import Command, Refused

ACTIONS = frozenset({"mark", "unmark", "marks", "open", "join", "close"})
"""A word goes out of these with the change that brings what it names."""


def check(command: Command) -> None:
    """Raises CommandError where a command asks for what is withheld, even where it says it wrongly."""
    if isinstance(command, Refused) and command.named in ACTIONS:
        raise CommandError(f"{command.named} is not offered by this gateway", code="not_offered", field="action")
