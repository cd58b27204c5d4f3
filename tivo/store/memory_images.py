"""The images of the store that forgets."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from tivo.model.event import Event
from tivo.store.base import Imaged, ImageHead
from tivo.store.image import latest, place_of, won
from tivo.store.page import MAX_EVENTS, row_bytes

Place = tuple[bytes, int]


@dataclass(slots=True)
class _Image:
    place: Place
    at_us: int
    events: list[Event]  # in the order of keys


@dataclass(slots=True)
class _Partition:
    next: int | None = None
    version: int = 0
    images: dict[int, _Image] = field(default_factory=dict)


class MemoryImages:
    """Keeps every event of every image in a list of its own."""

    def __init__(self) -> None:
        self._partitions: dict[Place, _Partition] = {}
        self._images: dict[int, _Image] = {}
        self._numbers = count(1)

    def imaged(self, place: Place) -> Imaged:
        """`Store.imaged`."""
        held = self._partition(place)
        heads = sorted(self._heads(held), key=lambda head: head.at_us)
        return Imaged(held.next, held.version, heads)

    def before(self, topic_id: bytes, time_us: int) -> dict[int, ImageHead]:
        """`Store.image_before`."""
        found = {}
        for (of, partition), held in self._partitions.items():
            heads = [head for head in self._heads(held) if head.at_us <= time_us]
            if of == topic_id and heads:
                found[partition] = max(heads, key=lambda head: head.at_us)
        return found

    def part(self, image: int, start: bytes) -> list[Event] | None:
        """`Store.image_part`."""
        held = self._images.get(image)
        if held is None:
            return None
        return [event for event in held.events if place_of(event) >= start][:MAX_EVENTS]

    async def put(
        self, place: Place, at_us: int, parts: AsyncIterator[Sequence[Event]], version: int
    ) -> ImageHead | None:
        """`Store.put_image`."""
        events = [event async for part in parts for event in part]
        held = self._partition(place)
        if held.version != version:
            return None
        self._forget(held, [number for number, image in held.images.items() if image.at_us == at_us])
        number = next(self._numbers)
        held.images[number] = self._images[number] = _Image(place, at_us, events)
        held.version += 1
        return self._head(held, number)

    def patch(self, image: int, events: Sequence[Event], version: int) -> list[Event] | None:
        """`Store.patch_image`."""
        held = self._images.get(image)
        if held is None or self._partition(held.place).version != version:
            return None
        taken = won(held.events, events)
        held.events = latest(held.events, taken)
        return taken

    def move(self, place: Place, upto: int, version: int) -> bool:
        """`Store.move_images`."""
        held = self._partition(place)
        if held.version != version:
            return False
        held.next = upto
        held.version += 1
        return True

    def cut(self, place: Place, at: int, first_us: int | None) -> None:
        """Forget the images of what `Store.cut` drops: events from an offset on, the first of them at a time."""
        held = self._partition(place)
        if first_us is not None:
            self._forget(held, [number for number, image in held.images.items() if image.at_us > first_us])
        if held.next is not None:
            held.next = min(held.next, at)
        held.version += 1

    def _partition(self, place: Place) -> _Partition:
        return self._partitions.setdefault(place, _Partition())

    def _forget(self, held: _Partition, images: list[int]) -> None:
        for number in images:
            del held.images[number], self._images[number]

    def _heads(self, held: _Partition) -> list[ImageHead]:
        return [self._head(held, number) for number in held.images]

    @staticmethod
    def _head(held: _Partition, number: int) -> ImageHead:
        image = held.images[number]
        return ImageHead(number, image.at_us, held.next or 0, len(image.events), sum(map(row_bytes, image.events)))
