"""Ports on loopback."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"


def choose_port(name: str, preferred: int | None, say: Callable[[str], object]) -> int:
    """`preferred` if nothing listens there, else another that the system chooses, and says so.

    None asks for any free port. The port is free now, not reserved: start the server at once.
    """
    if preferred is None:
        return any_free_port()
    if is_free(preferred):
        return preferred
    port = any_free_port()
    say(f"Port {preferred} is taken: {name} listens on {port} instead")
    return port


def is_free(port: int) -> bool:
    """True where nothing on this machine listens on `port` of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        if probe.connect_ex((LOOPBACK, port)) == 0:
            return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def any_free_port() -> int:
    """A port of loopback that nobody uses."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Different ports of loopback that nobody uses."""
    with ExitStack() as held:  # all at once, or the system may give the same one again
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
