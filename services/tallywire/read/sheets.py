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

from tallywire.edge.image_headers import sniff_format
from tallywire.edge.images import DecodedImage, decode_image
from tallywire.edge.serving import NotServedError, classify_once, takes_once
from tallywire.edge.serving_wire import ClassifierAnswer
from tallywire.errors import PeerError, UsageError
from tallywire.reading.interpret import Interpretation, interpret
from tallywire.reading.policy import Policy
from tallywire.reasons import Reason
from tallywire.settings import PREFIX, Settings
from tallywire.sheet.cells import halve_from_px
from tallywire.sheet.layout import Layout
from tallywire.sheet.prepare import Prepared, Takes, cut, prepare
from tallywire.supervision.child import Child
from tallywire.supervision.ports import LOOPBACK, any_free_port
from tallywire.supervision.programs import model_program

NO_LIMIT = 10**9  # voters, where nobody said how many
FIRST_ANSWER_S = 1.0  # a running server answers far sooner; longer would only delay the fallback


@dataclass(frozen=True, slots=True)
class Classify:
    """A model as a function: what it takes, and cells to probabilities and the answering model's
    thresholds."""

    takes: Takes
    ask: Callable[[NDArray[np.uint8]], tuple[ClassifierAnswer, Policy]]


@dataclass(frozen=True, slots=True)
class OpenedSheet:
    """A file as far as pixels go: its cells, or the reason why there are none."""

    path: Path
    image: DecodedImage | None
    found: Prepared | Reason
    prepare_ms: float


@dataclass(frozen=True, slots=True)
class ReadSheet:
    """A file and what the machine read from it; `found` is a Reason where it could not."""

    opened: OpenedSheet
    found: Interpretation | Reason
    model_version: int | None


def open_sheet(path: Path, layout: Layout, max_pixels: int) -> OpenedSheet:
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
        return OpenedSheet(path, None, image, _since(started))
    return OpenedSheet(path, image, prepare(image.pixels, layout), _since(started))


def read_opened(
    opened: OpenedSheet, layout: Layout, registered: int | None, classify: Classify
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
        answer.probabilities,
        rules,
        NO_LIMIT if registered is None else registered,
        policy,
        opened.found.alignment.doubtful_places,
    )
    return ReadSheet(opened, found, answer.model_version)


def _cells(opened: OpenedSheet, found: Prepared, layout: Layout, takes: Takes) -> NDArray[np.uint8]:
    """The cells as the model takes them: the sheet was opened before it was known which answers."""
    if takes is Takes.CELLS or opened.image is None:
        return found.cells
    return cut(opened.image.pixels, layout, found.alignment, takes)


@contextmanager
def a_classifier(settings: Settings, say: Callable[[str], object]) -> Iterator[Classify]:
    """The running model server, or one of our own for as long as this context lasts.

    Raises:
        UsageError: no server answers with that version, and none can be run here either.
        PeerError: our own server does not start.
    """
    found = _takes(settings, FIRST_ANSWER_S)
    if isinstance(found, Takes):
        yield Classify(found, lambda cells: _ask(settings, cells))
        return
    _require_own(settings, found)
    say(f"{found}: starting one for this reading (about 10 s)")
    with tempfile.TemporaryDirectory(prefix="tallywire-read-") as folder:
        environment = {
            f"{PREFIX}MODEL": settings.model,
            f"{PREFIX}MODEL_REPO": str(settings.model_repo.resolve()),
        }
        port = any_free_port()
        # Once: a server that cannot start is told, not tried again for two minutes.
        program = replace(model_program(port, environment), restart=False)
        child = Child(program, Path(folder))
        child.start()
        try:
            child.wait_ready()
            own = settings.model_copy(update={"serving": f"{LOOPBACK}:{port}"})
            takes = takes_once(own.serving, own.model, own.model_version, own.predict_timeout_s)
            yield Classify(takes, lambda cells: _ask(own, cells))
        finally:
            child.end()


def refused(sheets: Sequence[ReadSheet]) -> int:
    """How many sheets gave no reading."""
    return sum(isinstance(sheet.found, Reason) for sheet in sheets)


def _ask(settings: Settings, cells: NDArray[np.uint8]) -> tuple[ClassifierAnswer, Policy]:
    return classify_once(
        cells, settings.serving, settings.model, settings.model_version, settings.predict_timeout_s
    )


def _takes(settings: Settings, timeout_s: float) -> Takes | str:
    """What the running model server takes, or why it cannot be asked."""
    try:
        return takes_once(settings.serving, settings.model, settings.model_version, timeout_s)
    except NotServedError:
        return f"The model server at {settings.serving} does not serve {_wanted(settings)}"
    except PeerError:
        return f"No model server answers at {settings.serving}"


def _require_own(settings: Settings, trouble: str) -> None:
    """Raise UsageError unless a server of our own could answer instead."""
    if importlib.util.find_spec("tensorflow") is None:
        raise UsageError(
            f"{trouble}, and TensorFlow is not installed here: start a model server elsewhere and"
            " name it with --serving, or pip install 'tallywire[model]'"
        )
    folder = settings.model_repo / settings.model
    version = settings.model_version or "*"
    if not any(folder.glob(f"{version}/saved_model.pb")):
        raise UsageError(
            f"{trouble}, and there is none of {_wanted(settings)} in {folder}: choose another"
            " --model-version, --model-repo or --serving"
        )


def _wanted(settings: Settings) -> str:
    version = settings.model_version
    return f"version {version} of {settings.model!r}" if version else f"{settings.model!r}"


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
