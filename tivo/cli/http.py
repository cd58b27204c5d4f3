"""How commands talk to the gateway, and how its answers become messages for people."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import httpx

from tivo.model.errors import NeighbourError, RequestError

TIMEOUT_S = 30.0


@contextmanager
def gateway(url: str, token: str | None) -> Iterator[httpx.Client]:
    """A client of the gateway. Raises NeighbourError where none answers there."""
    with httpx.Client(base_url=url, timeout=TIMEOUT_S, headers=bearer(token)) as client:
        try:
            yield client
        except httpx.TransportError as error:
            raise no_gateway(url, str(error)) from error


def no_gateway(url: str, reason: str) -> NeighbourError:
    """That none answers there, with what to do."""
    return NeighbourError(
        f"no gateway answers at {url} ({reason}); start one with `tivo up`, or name another with --url"
    )


def bearer(token: str | None) -> dict[str, str]:
    """The header that shows a token, where there is one. Raises RequestError where it cannot be one."""
    if token is None:
        return {}
    if not token.isascii() or not token.isprintable() or not token:
        raise RequestError("the token is not one line of printable characters; look at --token-file or TIVO_TOKEN")
    return {"Authorization": f"Bearer {token}"}


def answer(response: httpx.Response) -> Any:
    """The JSON that the gateway answered. Raises RequestError or NeighbourError with its own words."""
    if response.is_success:
        return response.json() if response.content else None
    raise refusal(response)


def refusal(response: httpx.Response) -> RequestError | NeighbourError:
    """The gateway's problem document as an error of ours."""
    try:
        problem = response.json()
        message = problem.get("detail") or problem.get("title") or response.text
        details = [str(each["detail"]) for each in problem.get("errors", []) if each.get("detail")]
        if details and details[0] not in message:
            message = f"{message}: {details[0]}"
    except ValueError:
        message = response.text
    kind = NeighbourError if response.status_code >= 500 else RequestError
    return kind(f"{message} ({response.status_code})")


def complete_topic(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of topics that begin so, for the tab key; none where no gateway answers."""
    try:
        response = httpx.get(
            f"{context.params['url']}/v1/topics", timeout=1.0, headers=bearer(context.params.get("token"))
        )
        topics = response.json()["topics"]
    except (httpx.HTTPError, RequestError, ValueError, KeyError):
        return []
    return [topic["name"] for topic in topics if topic["name"].startswith(incomplete)]
