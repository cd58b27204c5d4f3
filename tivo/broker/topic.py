"""A topic as it is served, and what it may be called."""

import re
from dataclasses import dataclass

from tivo.broker.leader import Leader
from tivo.broker.refusal import Refusal
from tivo.broker.topic_settings import Configs, TopicSettings
from tivo.wire.error_codes import ErrorCode

INTERNAL_PREFIX = "__"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")


@dataclass(slots=True, kw_only=True)
class Topic:
    """A topic with the leaders of its partitions. A topic made anew has another id."""

    name: str
    id: bytes
    configs: Configs
    settings: TopicSettings
    leaders: list[Leader]

    @property
    def is_internal(self) -> bool:
        return self.name.startswith(INTERNAL_PREFIX)

    def leader(self, partition: int) -> Leader:
        """Raises Refusal (UNKNOWN_TOPIC_OR_PARTITION)."""
        if not 0 <= partition < len(self.leaders):
            raise Refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"{self.name} has no partition {partition}")
        return self.leaders[partition]


def check_name(name: str) -> None:
    """Raises Refusal (INVALID_TOPIC_EXCEPTION) for what cannot be a topic's name, or may not be given to one."""
    if not _NAME.fullmatch(name) or name in (".", ".."):
        raise Refusal(
            ErrorCode.INVALID_TOPIC_EXCEPTION,
            f"a topic's name has 1 to 249 of the characters a-z A-Z 0-9 . _ -, not {name[:300]!r}",
        )
    if name.startswith(INTERNAL_PREFIX):
        raise Refusal(ErrorCode.INVALID_TOPIC_EXCEPTION, f"names that begin with __ are the broker's own, not {name!r}")
