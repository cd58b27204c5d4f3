"""A topic's log gone through once, part by part, from the store's frontier to the ends noted first.

Mostly that is very little, since the agent stores what comes within a second.
"""

from collections.abc import Mapping

from tivo.client.tail import TailAnswer
from tivo.model.event import Frontier
from tivo.playback.effects import TailPlace

_PART_EVENTS = 2_000


def left_of(frontier: Frontier, ends: Frontier) -> dict[int, int]:
    """The partitions that hold something beyond the frontier, each with its end."""
    return {partition: end for partition, end in ends.items() if frontier.get(partition, 0) < end}


def places(read: Mapping[int, int], left: Mapping[int, int]) -> list[TailPlace]:
    """What to ask the log for next, in the order of `left`: from what was `read`, else from the log's start."""
    return [TailPlace(partition, read.get(partition), end, _PART_EVENTS) for partition, end in left.items()]


def gone_on(
    read: Mapping[int, int], left: Mapping[int, int], answer: TailAnswer
) -> tuple[dict[int, int], dict[int, int]]:
    """How far each partition is read now, and what is left.

    As long as one partition moves none is given up: an answer has bounds, and the first that fill it leave
    nothing for the others, which are therefore asked for first in the next one.
    """
    reached, stalled, moved, is_over = {**read}, dict[int, int](), dict[int, int](), True
    for each in answer.slices:
        partition, before, end = each.partition, read.get(each.partition, 0), left[each.partition]
        following = max(each.next, each.log_start, before)
        is_over = is_over and following == before
        reached[partition] = following
        if following < end and not each.truncated:
            (moved if following > before else stalled)[partition] = end
    return reached, {} if is_over else {**stalled, **moved}
