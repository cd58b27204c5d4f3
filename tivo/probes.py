"""The private page of every process: is it alive, is it ready, and its metrics, on a loopback port.

Served from a thread of its own, so that it answers even while the event loop is stuck, which is
what /livez is asked for.
"""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client.exposition import ThreadingWSGIServer, make_wsgi_app

STUCK_US = 10_000_000
"""A loop that has not turned for so long is called dead."""


class Probes(AbstractContextManager["Probes"]):
    """Serves /livez, /readyz and /metrics while it is open.

    The owner calls `beat` with the steady time each second, and sets `unready` to the reasons
    why the process should get no work: name → what is the matter. Empty means ready. It begins
    as "starting". What is wrong with a part of its work, while the rest goes on, is `degraded`:
    told beside it, and no reason to be unready.
    """

    def __init__(self, *, port: int, steady_us: Callable[[], int]) -> None:
        self.unready: Mapping[str, str] = {"process": "starting"}
        self.degraded: Mapping[str, str] = {}
        self._steady_us = steady_us
        self._beat_us = steady_us()
        self._metrics = make_wsgi_app()
        self._server = make_server(
            "127.0.0.1", port, self._answer, server_class=ThreadingWSGIServer, handler_class=_SilentHandler
        )
        self._thread = threading.Thread(target=self._server.serve_forever, name="probes", daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def beat(self) -> None:
        """The event loop has turned."""
        self._beat_us = self._steady_us()

    def __enter__(self) -> "Probes":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        told: dict[str, Mapping[str, str]] = {}
        match environ["PATH_INFO"]:
            case "/livez":
                stuck_us = self._steady_us() - self._beat_us
                wrong = {"loop": f"has not turned for {stuck_us / 1e6:.0f} s"} if stuck_us > STUCK_US else {}
            case "/readyz":
                wrong = dict(self.unready)
                told = {"degraded": dict(self.degraded)}
            case "/metrics":
                answer: Iterable[bytes] = self._metrics(environ, start_response)
                return answer
            case path:
                start_response("404 Not Found", [("Content-Type", "text/plain")])
                return [f"{path} is not here; /livez, /readyz and /metrics are\n".encode()]
        status = "503 Service Unavailable" if wrong else "200 OK"
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps({"ok": not wrong, "reasons": wrong} | told).encode() + b"\n"]


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """A probe each second is no news."""
