"""A worker whose wall clock jumps: `python -m tallywire.workshop.faults.shifted_worker worker`.

Each SIGUSR1 moves `time.time()` an hour on, and the next one back: what a wrong time server does.
"""

from __future__ import annotations

import runpy
import signal
import time

JUMP_S = 3600.0


def main() -> None:
    """Become the worker, with a clock of our own."""
    real_s, shift = time.time, [0.0]

    def jump(*_: object) -> None:
        shift[0] = 0.0 if shift[0] else JUMP_S

    vars(time)["time"] = lambda: real_s() + shift[0]
    vars(time)["time_ns"] = lambda: int((real_s() + shift[0]) * 1e9)
    signal.signal(signal.SIGUSR1, jump)
    runpy.run_module("tallywire", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
