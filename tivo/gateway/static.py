"""Files for browsers: the console at `/`, the client library under `/lib/`, the API's page at `/docs`."""

from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOR_EVER = "public, max-age=31536000, immutable"
EACH_TIME = "no-cache"

_NOT_BUILT = Path(__file__).parent / "pages" / "console-not-built.html"
_DOCS = Path(__file__).parent / "pages" / "docs.html"


def routes(*, console: Path, library: Path) -> list[BaseRoute]:
    """Everything that is a file. `console` must be the last route: whatever no other takes is one of its pages."""
    return [
        Route("/docs", _docs),
        Mount("/lib", _Files(directory=library, check_dir=False)),
        Mount("/", _Console(directory=console, check_dir=False)),
    ]


async def _docs(request: Request) -> Response:
    return FileResponse(_DOCS, headers={"Cache-Control": EACH_TIME})


class _Files(StaticFiles):
    """Files of a directory that may not stand yet. Its names lead nowhere else: traversal is refused below."""

    async def check_config(self) -> None:
        """Nothing: the directory may be built later."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.setdefault("Cache-Control", EACH_TIME)
        return response


class _Console(_Files):
    """The console's files; a path that is none is a deep link, which the console's own page opens."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if path in {".", "index.html"}:
            return await self._page(scope)
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or not _is_navigation(scope):
                raise
            return await self._page(scope)
        if path.startswith("assets/"):  # the build puts a digest of the content into these names
            response.headers["Cache-Control"] = FOR_EVER
        return response

    async def _page(self, scope: Scope) -> Response:
        try:
            return await super().get_response("index.html", scope)
        except HTTPException as error:
            if error.status_code != 404:
                raise
            return HTMLResponse(_NOT_BUILT.read_text(), headers={"Cache-Control": EACH_TIME})


def _is_navigation(scope: Scope) -> bool:
    """Whether a person goes to this address: only then does a browser ask for a page first."""
    return "text/html" in Headers(scope=scope).get("accept", "") and not scope["path"].startswith("/v1/")
