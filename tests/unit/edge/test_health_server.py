"""The HTTP server that health and metrics share."""

from __future__ import annotations

import socket
import threading

import pytest

from tallywire.edge.health_server import HealthServer, HttpAnswer, as_json, live, ready
from tallywire.errors import UsageError
from tests.support.http import ask


def broken() -> HttpAnswer:
    raise ZeroDivisionError


def test_each_path_has_its_answer() -> None:
    routes = {
        "/healthz": lambda: live(is_live=False, values={"lag": 3}),
        "/readyz": lambda: ready(is_ready=True, values={}),
        "/broken": broken,
    }
    with HealthServer(routes) as server:
        assert ask(server.port, "/healthz") == (503, b'{"status": "stalled", "lag": 3}\n')
        assert ask(server.port, "/readyz?verbose")[0] == 200
        assert ask(server.port, "/other")[0] == 404
        assert ask(server.port, "/broken")[0] == 500
        assert ask(server.port, "/healthz", "POST")[0] == 501
    with pytest.raises(OSError, match="refused"):
        ask(server.port, "/healthz")


def test_a_client_that_says_nothing_keeps_nobody_waiting() -> None:
    with (
        HealthServer({"/": lambda: as_json(200, {})}) as server,
        socket.create_connection(("127.0.0.1", server.port)),
    ):
        assert ask(server.port, "/")[0] == 200


def test_it_answers_while_another_answer_takes_its_time() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow() -> HttpAnswer:
        asked.set()
        go_on.wait(10)
        return as_json(200, {})

    with HealthServer({"/slow": slow, "/": lambda: as_json(200, {})}) as server:
        slowly = threading.Thread(target=ask, args=(server.port, "/slow"))
        slowly.start()
        assert asked.wait(5)
        assert ask(server.port, "/")[0] == 200
        go_on.set()
        slowly.join()


def test_a_taken_port_is_told_with_its_remedy() -> None:
    with HealthServer({}) as server, pytest.raises(UsageError, match="choose another health port"):
        HealthServer({}, server.port)
