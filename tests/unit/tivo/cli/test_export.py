"""What the gateway answers becomes pages, or an error that says what is wrong."""

from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from tivo.cli import cli, export
from tivo.client.exporting import NDJSON, Asked, folder_of, growing
from tivo.model.errors import NeighbourError, RequestError


def test_a_page_is_read() -> None:
    found = export._page(httpx.Response(200, content=b'{"events":[1],"next":null,"complete_to_us":5}'))

    assert (1, None, 5) == (len(found.events), found.next, found.complete_to_us)


def test_what_is_no_page_is_the_gateways_fault() -> None:
    with pytest.raises(NeighbourError, match="no page of events"):
        export._page(httpx.Response(200, content=b"<html>"))


@pytest.mark.parametrize(("status", "kind"), [(404, RequestError), (409, RequestError), (503, NeighbourError)])
def test_a_refusal_is_told_in_its_own_words(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="it was so"):
        export._page(httpx.Response(status, json={"detail": "it was so"}))


def test_what_was_not_asked_for_is_not_sent() -> None:
    assert {"start": "-1h", "limit": 5} == export._given({"start": "-1h", "end": "", "key": [], "limit": 5})


def test_an_export_is_known_again_by_what_was_asked_for() -> None:
    asked = {"topic": "quakes", "start": "-1h", "end": "", "keys": ("a",)}

    assert export._asked(**asked, where=None) == export._asked(**asked, where="")  # type: ignore[arg-type]
    assert export._asked(**asked, where=None) != export._asked(**asked, where="key == 'a'")  # type: ignore[arg-type]


def test_an_export_whose_file_is_in_place_needs_no_gateway(tmp_path: Path) -> None:
    file = tmp_path / "out.ndjson"
    with suppress(KeyboardInterrupt), growing(file, NDJSON, Asked(topic="quakes")) as part:
        part.append([], None, None)
        raise KeyboardInterrupt
    (folder_of(file) / "data.ndjson").replace(file)

    command = ["export", "quakes", "-o", str(file), "--url", "http://127.0.0.1:1"]
    ran, again = [CliRunner().invoke(cli, command) for _ in range(2)]

    assert 0 == ran.exit_code, ran.output
    assert not folder_of(file).exists()
    assert isinstance(again.exception, RequestError)
