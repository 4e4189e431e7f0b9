"""Waiting for what will be so, instead of sleeping for as long as it usually takes."""

from __future__ import annotations

import time
from collections.abc import Callable

LOOK_EVERY_S = 0.05


def wait_until(
    done: Callable[[], object],
    within_s: float = 20.0,
    tell: Callable[[], str] = str,
    look_every_s: float = LOOK_EVERY_S,
) -> None:
    """Look until `done`; fail with what `tell` says."""
    deadline_s = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline_s, f"not done within {within_s:g} s\n{tell()}"
        time.sleep(look_every_s)
