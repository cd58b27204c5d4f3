"""How much memory all groups together take, and how much one of them may take yet."""

MOST_HELD_BYTES = 24 << 20
"""All groups together: 1,000 consumers have 24 KiB each. Of them any number may come, and bring along 256 KiB each."""


class Holdings:
    """Bytes that each group holds, as it was last weighed."""

    def __init__(self, most_bytes: int = MOST_HELD_BYTES) -> None:
        self._most_bytes = most_bytes
        self._by_group: dict[str, int] = {}
        self.total_bytes = 0

    def weigh(self, group_id: str, held_bytes: int) -> None:
        """The group holds so much now; nothing: it is gone."""
        self.total_bytes += held_bytes - self._by_group.pop(group_id, 0)
        if held_bytes:
            self._by_group[group_id] = held_bytes

    def room_bytes(self, group_id: str) -> int:
        """What the group may hold: what it does already, and what is left."""
        return self._by_group.get(group_id, 0) + max(0, self._most_bytes - self.total_bytes)
