"""How much memory all groups together take, and how much one of them may take yet."""

from collections import Counter

MOST_HELD_BYTES = 32 << 20
"""All groups together."""

SHARE_BYTES = 24 << 20
"""Those of one user: 1,000 consumers have 24 KiB each. Of them any number may come, and bring along 256 KiB each."""

DEALT_BYTES = 8 << 20
"""Beside both for assignments alone: whoever was let in is dealt its part, though nobody else is let in any more."""


class Holdings:
    """Bytes that each group holds, as it was last weighed, and of whose they are: of the user that came into it first.

    `dealt_bytes` are kept for assignments; groups of one user get half of them.
    """

    def __init__(
        self,
        most_bytes: int = MOST_HELD_BYTES,
        share_bytes: int = SHARE_BYTES,
        dealt_bytes: int = DEALT_BYTES,
    ) -> None:
        self._most_bytes = most_bytes
        self._share_bytes = share_bytes
        self._dealt_bytes = dealt_bytes
        self._by_group: dict[str, int] = {}
        self._users: dict[str, str] = {}  # by group; one read back is nobody's before somebody comes
        self._by_user: Counter[str] = Counter()
        self.total_bytes = 0

    def came(self, group_id: str, user: str) -> None:
        """A consumer comes to a group; that is the user's own unless it is somebody's. To be weighed next."""
        if group_id not in self._users:
            self._users[group_id] = user
            self._by_user[user] += self._by_group.get(group_id, 0)

    def weigh(self, group_id: str, held_bytes: int) -> None:
        """The group holds so much now; nothing: it is gone."""
        more = held_bytes - self._by_group.pop(group_id, 0)
        self.total_bytes += more
        user = self._users.get(group_id)
        if user is not None:
            self._by_user[user] += more
        if held_bytes:
            self._by_group[group_id] = held_bytes
        elif user is not None:
            del self._users[group_id]
            if not self._by_user[user]:
                del self._by_user[user]

    def room_bytes(self, group_id: str, *, dealing: bool = False) -> int:
        """What the group may hold: what it does already, and what is left; more is left to one that deals its parts."""
        spare = self._dealt_bytes if dealing else 0
        left = self._most_bytes + spare - self.total_bytes
        user = self._users.get(group_id)
        if user is not None:
            left = min(left, self._share_bytes + spare // 2 - self._by_user[user])
        return self._by_group.get(group_id, 0) + max(0, left)
