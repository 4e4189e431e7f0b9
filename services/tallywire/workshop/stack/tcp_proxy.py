"""A network that can be cut: stands between a worker and a real server, to rehearse faults."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from types import TracebackType
from typing import Self

CHECK_EVERY_S = 0.1


class TcpProxy:
    """Passes bytes between clients of `port` and a server, until it is cut, hung or slow.

    Args:
        target: host:port of the server.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._joined, self._flowing = threading.Event(), threading.Event()
        self._joined.set()
        self._flowing.set()
        self._delay_s = 0.0
        self._ended = threading.Event()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self.cut()
        self._thread.join()
        self._listener.close()

    def cut(self) -> None:
        """End every connection and take no new one."""
        self._joined.clear()
        for pair in tuple(self._pairs):
            _close(*pair)

    def hang(self) -> None:
        """Take connections and keep them, but let nothing pass: a network that drops packets."""
        self._flowing.clear()

    def slow(self, delay_s: float) -> None:
        """Let every piece of data wait for so long."""
        self._delay_s = delay_s

    def mend(self) -> None:
        """Take connections and pass everything on at once again."""
        self._delay_s = 0.0
        self._flowing.set()
        self._joined.set()

    def _accept(self) -> None:
        while not self._ended.is_set():
            if not select.select([self._listener], [], [], CHECK_EVERY_S)[0]:
                continue
            client, _ = self._listener.accept()
            if not self._joined.is_set():
                client.close()
                continue
            try:
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                client.close()
                continue
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        pair = client, server
        self._pairs.add(pair)
        with contextlib.suppress(OSError, ValueError):
            while self._joined.is_set() and self._pass_some(client, server):
                pass
        self._pairs.discard(pair)
        _close(*pair)

    def _pass_some(self, client: socket.socket, server: socket.socket) -> bool:
        """Pass on what is there; False at the end of either side."""
        if not self._flowing.wait(CHECK_EVERY_S):
            return True
        readable = select.select([client, server], [], [], CHECK_EVERY_S)[0]
        if not self._flowing.is_set():  # hung meanwhile: it stays where it is
            return True
        for source in readable:
            data = source.recv(65536)
            if not data:
                return False
            time.sleep(self._delay_s)
            (server if source is client else client).sendall(data)
        return True


def _close(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
