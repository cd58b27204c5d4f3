"""Holds back whoever sends or fetches more than he may; the answer says how long nothing more is taken (KIP-219)."""

from collections.abc import Collection

from tivo.auth.principals import Principal
from tivo.broker.quotas import Quota
from tivo.metrics import BROKER_THROTTLED
from tivo.model.timeline import MILLISECOND_US, SECOND_US
from tivo.wire.connection import Request
from tivo.wire.messages.fetch import FetchRequest, FetchResponse
from tivo.wire.messages.produce import ProduceRequest, ProduceResponse
from tivo.wire.schema import Message

THROTTLED = frozenset({ProduceRequest.api.key, FetchRequest.api.key})
"""The APIs whose bytes count."""


class Throttle:
    """Rates in bytes per second for each principal; `exempt` have none."""

    def __init__(self, produced: int | None, fetched: int | None, exempt: Collection[Principal]) -> None:
        self._produced = Quota(produced)
        self._fetched = Quota(fetched)
        self._exempt = frozenset(exempt)

    def charge(self, principal: Principal, request: Request, response: Message | None, steady_us: int) -> int:
        """Note what a request has cost, in its answer too; gives the µs for which the client is to be held back."""
        if principal in self._exempt:
            return 0
        wait_us = 0
        if isinstance(request.body, ProduceRequest):
            wait_us = self._produced.charge(principal, request.size, steady_us)
        elif isinstance(response, FetchResponse):
            wait_us = self._fetched.charge(principal, _record_bytes(response), steady_us)
        if wait_us and isinstance(response, ProduceResponse | FetchResponse):
            response.throttle_time_ms = -(-wait_us // MILLISECOND_US)
        if wait_us:
            BROKER_THROTTLED.labels(request.body.api.name).inc(wait_us / SECOND_US)
        return wait_us

    def debt_us(self, principal: Principal, request: Request, steady_us: int) -> int:
        """How long a request has to wait for what its principal has had, by whatever connection; 0 for none."""
        if principal in self._exempt:
            return 0
        if isinstance(request.body, ProduceRequest):
            return self._produced.wait_us(principal, steady_us)
        return self._fetched.wait_us(principal, steady_us) if isinstance(request.body, FetchRequest) else 0


def _record_bytes(response: FetchResponse) -> int:
    return sum(_size(partition.records) for topic in response.responses for partition in topic.partitions)


def _size(records: object) -> int:
    if isinstance(records, list):
        return sum(map(len, records))
    return len(records) if isinstance(records, bytes | bytearray | memoryview) else 0
