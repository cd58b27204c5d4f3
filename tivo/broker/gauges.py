"""What the page of metrics shows of each partition: read off the log when it is asked for, at no cost to appends."""

from collections.abc import Callable, Sequence
from functools import partial

from prometheus_client import Gauge

from tivo import metrics
from tivo.broker.leader import Leader

_SHOWN: tuple[tuple[Gauge, Callable[[Leader], int]], ...] = (
    (metrics.BROKER_LOG_START, lambda leader: leader.log.log_start),
    (metrics.BROKER_LOG_END, lambda leader: leader.log.log_end),
    (metrics.BROKER_HIGH_WATERMARK, lambda leader: leader.high_watermark),
    (metrics.BROKER_LOG_BYTES, lambda leader: leader.log.size_bytes),
    (metrics.BROKER_SEGMENTS, lambda leader: leader.log.segments),
    (metrics.BROKER_READ_ONLY, lambda leader: leader.log.read_only is not None),
    (metrics.BROKER_DAMAGE, lambda leader: len(leader.log.damage)),
    (metrics.BROKER_CUT_BYTES, lambda leader: leader.log.cut_bytes),
)


def show(topic: str, leaders: Sequence[Leader]) -> None:
    """Show all partitions of a topic from now on."""
    for partition, leader in enumerate(leaders):
        for gauge, read in _SHOWN:
            gauge.labels(topic, partition).set_function(partial(read, leader))


def hide(topic: str, leaders: Sequence[Leader]) -> None:
    """Show them no more: the topic is gone, or the broker closed."""
    for partition in range(len(leaders)):
        for gauge, _ in _SHOWN:
            gauge.remove(topic, partition)
