"""From files to readings: the same two pure halves as the worker, with one model call between."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tallywire.edge.headers import sniff_format
from tallywire.edge.images import DecodedImage, decode_image
from tallywire.edge.serving import classify_once, takes_once
from tallywire.edge.serving_wire import Answer
from tallywire.errors import PeerError, UsageError
from tallywire.reading.interpret import Interpretation, interpret
from tallywire.reading.policy import Policy
from tallywire.reasons import Reason
from tallywire.settings import Settings
from tallywire.sheet.cells import halve_from_px
from tallywire.sheet.layout import Layout
from tallywire.sheet.prepare import Prepared, Takes, cut, prepare
from tallywire.stack.local import LocalStack, Plan

NO_LIMIT = 10**9  # voters, where nobody said how many
FIRST_ANSWER_S = 1.0  # a running server answers far sooner; longer would only delay the fallback


@dataclass(frozen=True, slots=True)
class Classify:
    """A model as a function: what it takes, and cells to probabilities and the answering model's
    thresholds."""

    takes: Takes
    ask: Callable[[NDArray[np.uint8]], tuple[Answer, Policy]]


@dataclass(frozen=True, slots=True)
class Opened:
    """A file as far as pixels go: its cells, or the reason why there are none."""

    path: Path
    image: DecodedImage | None
    found: Prepared | Reason
    prepare_ms: float


@dataclass(frozen=True, slots=True)
class ReadSheet:
    """A file and what the machine read from it; `found` is a Reason where it could not."""

    opened: Opened
    found: Interpretation | Reason
    model_version: int | None


def open_sheet(path: Path, layout: Layout, max_pixels: int) -> Opened:
    """Decode one file, find the form and cut its cells.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error} - name an image file") from None
    started = time.perf_counter()
    kind = sniff_format(data)
    image = decode_image(data, kind or "", max_pixels, halve_from_px(layout))
    if isinstance(image, Reason):
        return Opened(path, None, image, _since(started))
    return Opened(path, image, prepare(image.pixels, layout), _since(started))


def read_opened(
    opened: Opened, layout: Layout, registered: int | None, classify: Classify
) -> ReadSheet:
    """Classify an opened sheet's cells and interpret them.

    Args:
        opened: as `open_sheet` gives it.
        layout: the form's layout.
        registered: voters of the station; None leaves rules about them out.
        classify: the model.

    Raises:
        PeerError: the model does not answer.
    """
    if isinstance(opened.found, Reason):
        return ReadSheet(opened, opened.found, None)
    answer, policy = classify.ask(_cells(opened, opened.found, layout, classify.takes))
    rules = layout if registered is not None else replace(layout, cap_rules=())
    found = interpret(
        answer.probabilities, rules, NO_LIMIT if registered is None else registered, policy
    )
    return ReadSheet(opened, found, answer.model_version)


def _cells(opened: Opened, found: Prepared, layout: Layout, takes: Takes) -> NDArray[np.uint8]:
    """The cells as the model takes them: the sheet was opened before it was known which answers."""
    if takes is Takes.CELLS or opened.image is None:
        return found.cells
    return cut(opened.image.pixels, layout, found.alignment, takes)


@contextmanager
def a_classifier(settings: Settings, say: Callable[[str], object]) -> Iterator[Classify]:
    """The running model server, or one of our own for as long as this context lasts.

    Raises:
        UsageError: no server answers and TensorFlow is not installed to run one.
        PeerError: our own server does not start.
    """
    takes = _takes(settings, FIRST_ANSWER_S)
    if takes is not None:
        yield Classify(takes, lambda cells: _ask(settings, cells))
        return
    if importlib.util.find_spec("tensorflow") is None:
        raise UsageError(
            f"no model server answers at {settings.serving}, and TensorFlow is not installed here:"
            " start one elsewhere and name it with --serving, or pip install 'tallywire[model]'"
        )
    say(f"No model server at {settings.serving}: starting one for this reading (about 10 s)")
    with tempfile.TemporaryDirectory(prefix="tallywire-read-") as folder:
        wanted = {"model": settings.model, "model_repo": str(settings.model_repo.resolve())}
        plan = Plan(Path(folder), broker=None, redis=False, model=True, settings=wanted)
        with LocalStack(plan, lambda _: None) as stack:
            stack.wait_ready()
            own = settings.model_copy(update={"serving": stack.settings.serving})
            takes = takes_once(own.serving, own.model, own.model_version, own.predict_timeout_s)
            yield Classify(takes, lambda cells: _ask(own, cells))


def refused(sheets: Sequence[ReadSheet]) -> int:
    """How many sheets gave no reading."""
    return sum(isinstance(sheet.found, Reason) for sheet in sheets)


def _ask(settings: Settings, cells: NDArray[np.uint8]) -> tuple[Answer, Policy]:
    return classify_once(
        cells, settings.serving, settings.model, settings.model_version, settings.predict_timeout_s
    )


def _takes(settings: Settings, timeout_s: float) -> Takes | None:
    """What the running model server takes; None if none answers."""
    try:
        return takes_once(settings.serving, settings.model, settings.model_version, timeout_s)
    except PeerError:
        return None


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
