"""Answers to commands, given in the order in which the commands came, though some take longer than others."""

from collections import deque
from dataclasses import dataclass

from tivo.model.errors import CommandError
from tivo.playback.commands import Command, Refused
from tivo.playback.notices import Failed, Notice


@dataclass(slots=True)
class Answer:
    """The place of a command in the line, and its answer once that is known."""

    notice: Notice | None = None


class Answers:
    """The line of commands that were not answered yet."""

    def __init__(self) -> None:
        self._line: deque[Answer] = deque()

    def place(self) -> Answer:
        """A place behind every command before."""
        answer = Answer()
        self._line.append(answer)
        return answer

    def ready(self) -> list[Notice]:
        """The answers that are known and that no command before is waiting for."""
        notices: list[Notice] = []
        while self._line and self._line[0].notice is not None:
            notice = self._line.popleft().notice
            assert notice is not None
            notices.append(notice)
        return notices


def failed(command: Command, error: CommandError) -> Failed:
    """The answer to a command that was refused."""
    action = command.named if isinstance(command, Refused) else command.action
    return Failed(id=command.id, action=action, code=error.code, field=error.field, message=str(error))
