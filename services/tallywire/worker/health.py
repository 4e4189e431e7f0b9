"""Health over HTTP on loopback, and the watchdog that ends a process which no longer moves."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from tallywire.worker.progress import Progress

STALLED_AFTER_S = 30.0
ENDED_AFTER_S = 90.0
STALLED_EXIT = 70  # EX_SOFTWARE: a supervisor starts us again
REQUEST_BYTES = 8 * 1024

Answer = tuple[int, dict[str, Any]]


def describe(progress: Progress) -> dict[str, Any]:
    """The worker's state as JSON values."""
    now_s = time.monotonic()
    return {
        "assigned": progress.assigned,
        "settled": progress.settled,
        "outcomes": dict(sorted(progress.outcomes.items())),
        "lag": progress.lag,
        "in_flight": progress.in_flight,
        "alert": progress.alert,
        "last_settled_s_ago": round(now_s - progress.last_settled_s, 1),
        "waiting_for": {
            peer: {"error": trouble.message, "for_s": round(now_s - trouble.since_s, 1)}
            for peer, trouble in progress.peers.troubles.items()
        },
    }


def answer(path: str, progress: Progress) -> Answer:
    """Status and body. `/healthz` fails only where ending the process could help; waiting for a
    peer is not such a case. `/readyz` fails while nothing can be counted."""
    state = describe(progress)
    if path == "/healthz":
        stalled = progress.stalled_s() > STALLED_AFTER_S
        return (503 if stalled else 200), {"status": "stalled" if stalled else "ok", **state}
    if path == "/readyz":
        ready = progress.assigned and not progress.peers.troubles
        return (200 if ready else 503), {"status": "ready" if ready else "not ready", **state}
    return 404, {"status": "unknown path; try /healthz or /readyz"}


async def serve_health(progress: Progress, port: int) -> asyncio.Server:
    """Listen on 127.0.0.1; port 0 lets the system choose."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), timeout=5.0)
            path = [*line.decode("latin-1").split(), "", ""][1].split("?")[0]
            status, body = answer(path, progress)
            text = json.dumps(body).encode()
            head = (
                f"HTTP/1.1 {status} {'OK' if status == 200 else 'Not OK'}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n"
                "Connection: close\r\n\r\n"
            )
            writer.write(head.encode() + text)
            await writer.drain()
        except (OSError, ValueError, TimeoutError):
            pass  # a client that went away, or no HTTP
        finally:
            writer.close()

    return await asyncio.start_server(handle, "127.0.0.1", port, limit=REQUEST_BYTES)


def start_watchdog(
    progress: Progress,
    limit_s: float = ENDED_AFTER_S,
    end: Callable[[int], object] = os._exit,
) -> threading.Thread:
    """A thread, since a blocked event loop could not watch itself; ends the process at once."""

    def watch() -> None:
        while progress.stalled_s() < limit_s:
            time.sleep(min(1.0, limit_s / 4))
        message = f"tallywire worker: no progress for {limit_s:g} s with work at hand; ending"
        print(message, file=sys.stderr, flush=True)
        end(STALLED_EXIT)

    thread = threading.Thread(target=watch, name="watchdog", daemon=True)
    thread.start()
    return thread
