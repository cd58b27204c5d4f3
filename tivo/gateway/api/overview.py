"""`/v1/topics/{topic}/overview`: how many events lie where on the timeline."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from tivo.gateway.answers import bounded
from tivo.gateway.doors import Clock
from tivo.gateway.parameters import check_documented, window_of
from tivo.gateway.sources import Sources

MAX_BUCKETS = 2_000


class Counts(BaseModel):
    """`counts[i]` stands for start_us + i·width_us ≤ t < start_us + (i+1)·width_us."""

    topic: str
    start_us: int
    width_us: int
    counts: list[int]
    complete_to_us: int | None = Field(description="the store is complete up to here; null where that is not known")


def router(sources: Sources, now: Clock) -> APIRouter:
    """The route of the overview."""
    routes = APIRouter(tags=["events"], dependencies=[Depends(check_documented)])

    @routes.get("/v1/topics/{topic}/overview")
    async def count_events(
        topic: str,
        start: Annotated[str, Query(description="a time; without it the oldest event's")] = "",
        end: Annotated[str, Query(description="a time, not included; without it right behind the newest event's")] = "",
        buckets: Annotated[int, Query(ge=1, le=MAX_BUCKETS)] = 200,
    ) -> Counts:
        """Event counts over a window."""
        found = await sources.catalogue.find(topic)
        asked = window_of({"start": start, "end": end}, now_us=now().wall_us)
        frontier = await sources.store.frontier(found.topic_id)
        window = await bounded((found,), asked, sources.store, now_us=now().wall_us)
        counted = await sources.answers.overview(found, window, buckets)
        return Counts(
            topic=topic,
            start_us=counted.start_us,
            width_us=counted.width_us,
            counts=counted.counts,
            complete_to_us=await sources.catalogue.complete_to(found, frontier),
        )

    return routes
