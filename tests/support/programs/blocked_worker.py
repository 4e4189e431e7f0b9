"""A `tallywire worker` whose event loop one kind of file blocks for good, the first time it comes.

BLOCKED_ONCE names a file: while it is not there, such a scan makes it and blocks.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from tallywire.cli.main import main
from tallywire.edge.serving import Classifier
from tallywire.edge.serving_wire import ClassifierAnswer

classify = Classifier.classify


def block_once(once: Path) -> None:
    """Block the calling thread, unless that happened before."""
    if not once.exists():
        once.touch()
        time.sleep(3600)


async def deadly_classify(self: Classifier, cells: Any) -> ClassifierAnswer:
    """The real one, but that it first blocks the loop, as a C call that never ends would."""
    block_once(Path(os.environ["BLOCKED_ONCE"]))
    return await classify(self, cells)


if __name__ == "__main__":
    Classifier.classify = deadly_classify  # type: ignore[method-assign]
    main()
