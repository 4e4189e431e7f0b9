"""Sheets that are drawn beside a night, as polling stations fill in theirs one after the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from tallywire.workshop.synthetic.rendering import RenderOptions, RenderResult, render

LOOK_S = 0.05


class DrawingEndedError(Exception):
    """Nobody needs the rest of the sheets."""


class SheetDrawing:
    """How far the drawing is; any thread may ask."""

    def __init__(self) -> None:
        self.drawn = 0
        self.ended = threading.Event()
        self._future: Future[RenderResult] | None = None

    def begin(self, pool: ThreadPoolExecutor, options: RenderOptions) -> None:
        """Return once the folder holds the election.

        Raises:
            TallywireError: the sheets cannot be drawn.
        """
        ready = threading.Event()
        self._future = pool.submit(render, options, self._note, ready.set)
        while not ready.wait(LOOK_S):
            if self._future.done():
                self._future.result()

    def require_sound(self) -> None:
        """Raise what made the drawing fail, if it has."""
        if self._future is not None and self._future.done():
            self._future.result()

    def wait(self) -> RenderResult:
        """The truth about all sheets, once the last one is drawn."""
        assert self._future is not None  # noqa: S101 - `begin` comes first
        return self._future.result()

    def _note(self, done: int, _: int) -> None:
        if self.ended.is_set():
            raise DrawingEndedError
        self.drawn = done


@contextmanager
def drawing_sheets(options: RenderOptions) -> Iterator[SheetDrawing]:
    """Draw in a thread of its own; inside, the folder holds the election and sheets appear in it.

    Raises:
        TallywireError: the sheets cannot be drawn.
    """
    drawing = SheetDrawing()
    with ThreadPoolExecutor(1, thread_name_prefix="drawing") as pool:
        try:
            drawing.begin(pool, replace(options, as_drawn=True))
            yield drawing
        finally:
            drawing.ended.set()
