"""A tiny HTTP server for health and metrics, the same one in every long-running process.

It runs in threads of its own: a process whose main loop is blocked still answers, and says so.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tallywire.edge.liveness import Vitals
from tallywire.errors import UsageError

READ_TIMEOUT_S = 5.0
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What one GET gives."""

    status: int
    body: bytes
    content_type: str = JSON


Route = Callable[[], HttpAnswer]
"""Makes the answer of one path. Called from any thread; must not block."""


def as_json(status: int, values: Mapping[str, Any]) -> HttpAnswer:
    """An answer of JSON values."""
    return HttpAnswer(status, json.dumps(values).encode() + b"\n")


def live(*, is_live: bool, values: Mapping[str, Any]) -> HttpAnswer:
    """The answer of /healthz: 503 only where ending the process could help."""
    return as_json(200 if is_live else 503, {"status": "ok" if is_live else "stalled", **values})


def ready(*, is_ready: bool, values: Mapping[str, Any]) -> HttpAnswer:
    """The answer of /readyz: 503 while the process could not do its work."""
    return as_json(
        200 if is_ready else 503, {"status": "ready" if is_ready else "not ready", **values}
    )


class HealthServer:
    """A context manager that answers GETs of `routes` on `address`; port 0 lets the system choose.

    Raises:
        UsageError: the port is taken, or the address is not this machine's.
    """

    def __init__(
        self, routes: Mapping[str, Route], port: int = 0, address: str = "127.0.0.1"
    ) -> None:
        try:
            self._server = ThreadingHTTPServer((address, port), _handler(routes))
        except OSError as error:
            raise UsageError(
                f"Health cannot listen on {address}:{port} ({error.strerror}):"
                " choose another health port, or 0"
            ) from error
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="health", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve_vitals(
    vitals: Vitals, is_ready: Callable[[], bool], port: int, address: str, stalled_after_s: float
) -> HealthServer:
    """/healthz and /readyz of a process by its vitals."""

    def values() -> dict[str, Any]:
        return {
            "at_hand": vitals.at_hand,
            "waiting_for": vitals.waiting_for,
            "stalled_s": round(vitals.stalled_s(), 1),
        }

    def healthz() -> HttpAnswer:
        return live(is_live=vitals.stalled_s() <= stalled_after_s, values=values())

    def readyz() -> HttpAnswer:
        return ready(is_ready=is_ready() and not vitals.waiting_for, values=values())

    return HealthServer({"/healthz": healthz, "/readyz": readyz}, port, address)


def _handler(routes: Mapping[str, Route]) -> type[BaseHTTPRequestHandler]:
    known = " or ".join(routes)

    def find(path: str) -> HttpAnswer:
        route = routes.get(path.split("?")[0])
        if route is None:
            return as_json(404, {"status": f"unknown path; try {known}"})
        try:
            return route()
        except Exception as error:  # a monitor wants an answer, whatever is wrong with us
            return as_json(500, {"status": "broken", "error": repr(error)})

    class RequestHandler(BaseHTTPRequestHandler):
        timeout = READ_TIMEOUT_S

        def do_GET(self) -> None:
            """Answer one request."""
            answer = find(self.path)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            """Nothing: a monitor asks every few seconds."""

    return RequestHandler
