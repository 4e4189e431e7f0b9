"""A process that holds a stack of its own, to be ended by the tests in unkind ways."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tallywire.supervision.child import Program
from tallywire.workshop.stack.local import LocalStack, StackPlan


def main(folder: str) -> None:
    plan = StackPlan(Path(folder), model=False, append_only=False)
    with LocalStack(plan) as stack:
        sleeper = Program("sleeper", (sys.executable, "-c", "import time; time.sleep(600)"), bool)
        stack.start(sleeper)
        print("pids", *(child.pid for child in stack.children), flush=True)
        time.sleep(600)


if __name__ == "__main__":
    main(sys.argv[1])
