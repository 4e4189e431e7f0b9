"""Free ports: different ones, none that the system may lend to somebody in the meantime."""

from __future__ import annotations

import socket

import pytest

from tallywire.errors import PeerError
from tallywire.supervision import ports
from tallywire.supervision.ports import LOOPBACK, PORT_RANGE, any_free_port, free_ports, is_free


def test_free_ports_are_different() -> None:
    found = free_ports(50)
    assert len(set(found)) == 50
    assert set(found) <= set(PORT_RANGE)
    assert free_ports(0) == []


def test_they_are_below_those_lent_to_outgoing_connections() -> None:
    for _ in range(20):
        with (
            socket.create_server((LOOPBACK, 0)) as server,
            socket.create_connection(server.getsockname()) as client,
        ):
            assert client.getsockname()[1] > max(PORT_RANGE)


def test_a_taken_port_is_never_given(monkeypatch: pytest.MonkeyPatch) -> None:
    low, high = next((at, at + 1) for at in PORT_RANGE if is_free(at) and is_free(at + 1))
    monkeypatch.setattr(ports, "PORT_RANGE", range(low, high + 1))
    monkeypatch.setattr(ports, "ATTEMPTS", 1)
    with socket.create_server((LOOPBACK, low)):
        assert {any_free_port() for _ in range(10)} == {high}


def test_no_free_port_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    (taken,) = free_ports(1)
    monkeypatch.setattr(ports, "PORT_RANGE", range(taken, taken + 1))
    monkeypatch.setattr(ports, "ATTEMPTS", 0)
    with (
        socket.create_server((LOOPBACK, taken)),
        pytest.raises(PeerError, match="end what listens"),
    ):
        free_ports(1)
