"""A worker whose connections to one port go to another:
`python -m tallywire.workshop.faults.redirected_worker worker`, with `FAULTS_REDIRECT=from:to`.

A Kafka broker tells its clients its own address, so a wire to it cannot be had by a setting.
"""

from __future__ import annotations

import os
import runpy
import socket
from collections.abc import Callable
from typing import Any

VARIABLE = "FAULTS_REDIRECT"


def main() -> None:
    """Become the worker, behind a switch."""
    before, after = map(int, os.environ[VARIABLE].split(":"))

    def switched(connect: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def connect_to(end: Any, address: Any) -> Any:
            if isinstance(address, tuple) and address[1] == before:
                address = (address[0], after, *address[2:])
            return connect(end, address)

        return connect_to

    for name in ("connect", "connect_ex"):
        setattr(socket.socket, name, switched(getattr(socket.socket, name)))
    runpy.run_module("tallywire", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
