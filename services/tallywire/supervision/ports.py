"""Ports on loopback."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable
from contextlib import ExitStack
from itertools import islice

from tallywire.errors import PeerError

LOOPBACK = "127.0.0.1"

# Below the ports that systems lend to outgoing connections (Linux from 32768, others from 49152):
# one of those may be lent to anybody between our check and the server's start, and a probe of a
# server that is not there yet may even be connected to itself, which then keeps the server out.
PORT_RANGE = range(15_000, 32_768)
ATTEMPTS = 100


def choose_port(name: str, preferred: int | None, say: Callable[[str], object]) -> int:
    """`preferred` if nothing listens there, else any free one, and says so.

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
    """Different ports of loopback that nobody uses, drawn from `PORT_RANGE`, so that two programs
    that ask at the same time hardly ever find the same ones.

    Raises:
        PeerError: hardly any port is free.
    """
    drawn = random.SystemRandom().sample(PORT_RANGE, ATTEMPTS + count)
    with ExitStack() as held:  # all at once, or the same one might be found again
        found = list(islice((port for port in drawn if _hold(port, held)), count))
    if len(found) < count:
        raise PeerError(
            f"Fewer than {count} of {len(drawn)} ports between {PORT_RANGE.start} and"
            f" {PORT_RANGE.stop - 1} are free: end what listens there"
        )
    return found


def _hold(port: int, held: ExitStack) -> bool:
    probe = held.enter_context(socket.socket())
    try:
        probe.bind((LOOPBACK, port))
    except OSError:
        return False
    return True
