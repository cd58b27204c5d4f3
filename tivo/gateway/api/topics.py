"""`/v1/topics`: list, make, describe, delete. Slow and rare, so FastAPI checks and documents them."""

from fnmatch import fnmatchcase
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from tivo.gateway.catalogue import Catalogue, TopicReport
from tivo.gateway.doors import Cluster
from tivo.gateway.parameters import check_documented
from tivo.gateway.problems import Problem
from tivo.gateway.stay import stay_of
from tivo.model.errors import UnknownTopic
from tivo.model.topic_name import is_legal_name, no_name

MAX_PARTITIONS = 1_000


class Topic(BaseModel):
    """A topic and what it holds."""

    name: str
    topic_id: str = Field(description="of this making; a topic deleted and made anew has another")
    partitions: int
    events: int = Field(description="in the store and, not stored yet, in the log")
    pending: int = Field(description="of these, how many the store does not hold yet")
    value_bytes: int
    rate: float = Field(description="events a second over the last minute")
    first_us: int | None = Field(description="time of the oldest event in the store, µs since 1970")
    last_us: int | None


class TopicList(BaseModel):
    topics: list[Topic]


class NewTopic(BaseModel):
    """A topic to be made. `settings` are Kafka's names, such as `retention.ms`."""

    model_config = ConfigDict(extra="forbid")

    name: str
    partitions: int = Field(default=1, ge=1, le=MAX_PARTITIONS)
    settings: dict[str, str] = {}


def router(catalogue: Catalogue, cluster: Cluster) -> APIRouter:
    """The routes of topics."""
    routes = APIRouter(prefix="/v1/topics", tags=["topics"], dependencies=[Depends(check_documented)])

    @routes.get("")
    async def list_topics(
        request: Request,
        match: Annotated[str, Query(description="a name or glob, such as `metrics.*`", max_length=249)] = "*",
    ) -> TopicList:
        """All topics that may be read, with count, rate, first and last time."""
        readable = stay_of(request.scope).readable(await catalogue.topics(fresh=True))
        found = [each for each in readable.values() if fnmatchcase(each.name, match)]
        return TopicList(topics=[_shown(report) for report in await catalogue.reports(found)])

    @routes.post("", status_code=201)
    async def create_topic(request: Request, asked: NewTopic, response: Response) -> Topic:
        """Make a topic. 409 where there is one of this name."""
        stay_of(request.scope).require("admin", asked.name)
        _check_name(asked.name)
        if asked.name in await catalogue.topics(fresh=True):
            raise Problem(409, "topic_exists", f"there is a topic named {asked.name!r} already", topic=asked.name)
        await cluster.create_topic(asked.name, partitions=asked.partitions, settings=asked.settings)
        await catalogue.topics(fresh=True)
        response.headers["Location"] = f"/v1/topics/{asked.name}"
        return await _described(catalogue, asked.name)

    @routes.get("/{topic}")
    async def describe_topic(topic: str) -> Topic:
        """One topic."""
        return await _described(catalogue, topic)

    @routes.delete("/{topic}", status_code=204)
    async def delete_topic(
        topic: str, confirm: Annotated[str, Query(description="the topic's name once more")] = ""
    ) -> Response:
        """Delete a topic and its log. What the store holds of it can no longer be played by name."""
        found = await catalogue.find(topic)
        if confirm != topic:
            raise Problem(
                400, "not_confirmed", f"deleting {topic!r} wants ?confirm={topic}, got {confirm!r}", topic=topic
            )
        await cluster.delete_topic(found.name)
        await catalogue.topics(fresh=True)
        return Response(status_code=204)

    return routes


async def _described(catalogue: Catalogue, name: str) -> Topic:
    reports = await catalogue.reports([await catalogue.find(name)])
    if not reports:
        raise UnknownTopic(name)
    return _shown(reports[0])


def _shown(report: TopicReport) -> Topic:
    return Topic(**report._asdict())


def _check_name(name: str) -> None:
    if not is_legal_name(name):
        raise Problem(422, "bad_topic", no_name(name))
