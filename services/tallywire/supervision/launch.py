"""Runs one program so that it cannot outlive its parent, however the parent ends.

A script, run by its path with `python -I -S`, so that it starts in a few milliseconds:
`launch.py PARENT_PID PROGRAM ARGUMENTS...`

Linux: asks the kernel to kill this process when the parent dies (`PR_SET_PDEATHSIG`, which
survives `execv`), then becomes the program. Elsewhere: stays as the program's parent, passes
signals on, and checks twice a second that its own parent is still there.

SIGKILL and not SIGTERM, because a parent that died can no longer insist; every program here is
one whose sudden end loses nothing that was acknowledged.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
CHECK_EVERY_S = 0.5


def main(arguments: list[str]) -> int:
    """Become, or watch over, the program in `arguments[1:]`; `arguments[0]` is the parent's pid."""
    parent, program = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        return become(parent, program)
    return watch_over(parent, program)


def become(parent: int, program: list[str]) -> int:
    """Exec the program under the kernel's watch. Returns only where the parent is already gone."""
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the kernel was asked
        return 1
    os.execv(program[0], program)  # noqa: S606 - fixed argument lists of our own
    return 127


def watch_over(parent: int, program: list[str]) -> int:
    """Run the program as a child; kill it when `parent` is no longer our parent."""
    child = subprocess.Popen(program)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: child.send_signal(got))
    while (status := child.poll()) is None:
        if os.getppid() != parent:
            child.kill()
        time.sleep(CHECK_EVERY_S)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
