"""The network that can be cut: passes everything on, or nothing, or late."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tallywire.workshop.stack.tcp_proxy import TcpProxy


@pytest.fixture
def proxy() -> Iterator[TcpProxy]:
    """In front of a server that says everything back."""
    server = socket.create_server(("127.0.0.1", 0))

    def echo(end: socket.socket) -> None:
        with end:
            while data := end.recv(1024):
                end.sendall(data)

    def serve() -> None:
        while True:
            try:
                end, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(end,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    with TcpProxy(f"127.0.0.1:{server.getsockname()[1]}") as proxy:
        yield proxy
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def connect(proxy: TcpProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10.0)


def ask(end: socket.socket, data: bytes) -> bytes:
    end.sendall(data)
    return end.recv(1024)


def test_what_is_sent_arrives(proxy: TcpProxy) -> None:
    with connect(proxy) as end:
        assert ask(end, b"votes") == b"votes"


def test_cut_ends_every_connection_and_mend_takes_new_ones(proxy: TcpProxy) -> None:
    with connect(proxy) as end:
        assert ask(end, b"votes") == b"votes"
        proxy.cut()
        with pytest.raises((ConnectionError, AssertionError)):
            assert ask(end, b"votes")
    with connect(proxy) as end, pytest.raises((ConnectionError, AssertionError)):
        assert ask(end, b"votes")
    proxy.mend()
    with connect(proxy) as end:
        assert ask(end, b"votes") == b"votes"


def test_a_hung_network_takes_everything_and_passes_it_on_when_mended(proxy: TcpProxy) -> None:
    with connect(proxy) as end:
        assert ask(end, b"votes") == b"votes"
        proxy.hang()
        end.settimeout(0.5)
        with pytest.raises(TimeoutError):
            ask(end, b"later")
        proxy.mend()
        end.settimeout(10.0)
        assert end.recv(1024) == b"later"


def test_a_slow_network_is_late_both_ways(proxy: TcpProxy) -> None:
    with connect(proxy) as end:
        proxy.slow(0.1)
        asked_s = time.monotonic()
        assert ask(end, b"votes") == b"votes"
        assert time.monotonic() - asked_s >= 0.2
