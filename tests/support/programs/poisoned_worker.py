"""A `tallywire worker` that one kind of file kills outright, as a crash in a decoder would."""

from __future__ import annotations

import os
import signal
from typing import Any

from tallywire.cli.main import main
from tallywire.edge.images import DecodedImage, decode_image
from tallywire.reasons import Reason
from tallywire.worker import poison_quarantine, scan_handler

POISON = b"poison"


def deadly_decode(data: bytes, *rest: Any) -> DecodedImage | Reason:
    """The real one, but for files that end in `POISON`."""
    if data.endswith(POISON):
        os.kill(os.getpid(), signal.SIGKILL)
    return decode_image(data, *rest)


if __name__ == "__main__":
    vars(scan_handler)["decode_image"] = deadly_decode
    poison_quarantine.SUSPICIOUS, poison_quarantine.CONVICTED = 2, 1  # a test need not wait as long
    main()
