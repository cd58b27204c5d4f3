from pathlib import Path

import httpx
import pytest

from tests.support.gateway_app import GatewayApp

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayApp:
    console, library = tmp_path / "console", tmp_path / "lib"
    (console / "assets").mkdir(parents=True)
    library.mkdir()
    (console / "index.html").write_text("<!doctype html>the console")
    (console / "assets" / "app-1a2b.js").write_text("0123456789")
    (library / "tivo.js").write_text("export {}")
    (tmp_path / "secret").write_text("secret")
    return GatewayApp(console=console, library=library)


async def get(gateway: GatewayApp, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    async with gateway.client() as http:
        return await http.get(path, headers=headers)


@pytest.mark.parametrize("path", ["/", "/index.html", "/t/metrics.cpu", "/t/a?start=-3d"])
async def test_the_console_opens_at_its_root_and_at_every_deep_link(gateway: GatewayApp, path: str) -> None:
    answer = await get(gateway, path, PAGE)

    assert (200, "<!doctype html>the console") == (answer.status_code, answer.text)
    assert "no-cache" == answer.headers["cache-control"]


async def test_built_files_are_kept_for_ever_and_the_library_is_asked_for_each_time(gateway: GatewayApp) -> None:
    asset, library = await get(gateway, "/assets/app-1a2b.js"), await get(gateway, "/lib/tivo.js")

    assert "immutable" in asset.headers["cache-control"]
    assert (200, "no-cache") == (library.status_code, library.headers["cache-control"])
    assert "javascript" in library.headers["content-type"]


@pytest.mark.parametrize("path", ["/assets/gone.js", "/lib/gone.js", "/v1/nothing", "/favicon.ico"])
async def test_a_file_that_is_not_there_is_a_problem_not_a_page(gateway: GatewayApp, path: str) -> None:
    answer = await get(gateway, path, {"Accept": "*/*"})

    assert (404, "not_found") == (answer.status_code, answer.json()["code"])


async def test_an_endpoint_that_is_not_there_is_no_deep_link(gateway: GatewayApp) -> None:
    assert 404 == (await get(gateway, "/v1/nothing", PAGE)).status_code


@pytest.mark.parametrize(
    "path",
    [
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/lib/%2e%2e%2fsecret",
        "/lib/..%5csecret",
        "/assets/%2e%2e/%2e%2e/secret",
        "/lib/%00",
    ],
)
async def test_no_path_leads_out_of_the_folders(gateway: GatewayApp, path: str) -> None:
    answer = await get(gateway, path, {"Accept": "*/*"})

    assert "secret" != answer.text
    assert 400 <= answer.status_code < 500


async def test_a_part_of_a_file_may_be_asked_for(gateway: GatewayApp) -> None:
    answer = await get(gateway, "/assets/app-1a2b.js", {"Range": "bytes=2-4"})

    assert (206, "234") == (answer.status_code, answer.text)


async def test_ten_thousand_ranges_cost_no_more_than_the_file(gateway: GatewayApp) -> None:
    ranges = "bytes=" + ",".join(["0-"] * 10_000)

    assert len((await get(gateway, "/assets/app-1a2b.js", {"Range": ranges})).content) < 1_000


@pytest.mark.parametrize("path", ["/", "/t/a"])
async def test_a_console_that_is_not_built_says_how_to_build_it(path: str) -> None:
    answer = await get(GatewayApp(), path, PAGE)

    assert 200 == answer.status_code
    assert "npm run build" in answer.text


async def test_the_documentation_needs_no_other_host(gateway: GatewayApp) -> None:
    answer = await get(gateway, "/docs")

    assert 200 == answer.status_code
    assert "//" not in answer.text.replace("<!--", "")


async def test_a_page_is_only_read(gateway: GatewayApp) -> None:
    async with gateway.client() as http:
        assert 405 == (await http.post("/", content=b"x")).status_code
