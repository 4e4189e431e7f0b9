"""The most this machine could read: decode, prepare, TensorFlow in-process, interpret."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tallywire.edge.images import decode_image
from tallywire.reading.interpret import interpret
from tallywire.reading.policy import Policy
from tallywire.reasons import Reason
from tallywire.sheet.layout import Layout
from tallywire.sheet.prepare import prepare

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

STAGES = ("decode", "prepare", "classify", "interpret")
MAX_PIXELS = 50_000_000
REGISTERED = 750
WARM_UP = 3  # sheets read before the clock starts
ONE_CORE_EACH = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


@dataclass(frozen=True, slots=True)
class StageTimes:
    """What one process did: perf_counter at its ends, and CPU seconds by stage."""

    started_s: float
    ended_s: float
    cpu_s: dict[str, float]


@dataclass(frozen=True, slots=True)
class Ceiling:
    """`tallies_per_second` on all cores; `cpu_ms` per tally by stage."""

    tallies_per_second: float
    cpu_ms: dict[str, float]
    cores: int


def measure_ceiling(sheets: Sequence[Path], layout: Layout, saved_model: Path) -> Ceiling:
    """Read `sheets` (JPEG files) with one process a core, each with its own TensorFlow.

    Args:
        saved_model: one version's folder.
    """
    cores = os.cpu_count() or 1
    os.environ.update(ONE_CORE_EACH)  # for the children, which import TensorFlow afresh
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(cores), context.Queue()
    children = [
        context.Process(
            target=_child,
            args=(list(sheets[core::cores]), layout, saved_model, barrier, answers),
            daemon=True,
        )
        for core in range(cores)
    ]
    for child in children:
        child.start()
    shares: list[StageTimes] = [answers.get() for _ in children]
    for child in children:
        child.join()
    seconds = max(one.ended_s for one in shares) - min(one.started_s for one in shares)
    return Ceiling(
        tallies_per_second=len(sheets) / seconds,
        cpu_ms={
            stage: 1000 * sum(one.cpu_s[stage] for one in shares) / len(sheets) for stage in STAGES
        },
        cores=cores,
    )


def _child(
    sheets: Sequence[Path],
    layout: Layout,
    saved_model: Path,
    barrier: Barrier,
    answers: Queue[StageTimes],
) -> None:
    import cv2

    from tallywire.training.export import load_saved

    cv2.setNumThreads(1)
    predict = load_saved(saved_model)
    images = [sheet.read_bytes() for sheet in sheets]
    spent = dict.fromkeys(STAGES, 0.0)
    for image in images[:WARM_UP]:
        _read(image, layout, predict, spent)
    spent = dict.fromkeys(STAGES, 0.0)
    barrier.wait()
    started_s = time.perf_counter()
    for image in images:
        _read(image, layout, predict, spent)
    answers.put(StageTimes(started_s, time.perf_counter(), spent))


def _read(image: bytes, layout: Layout, predict: Predict, spent: dict[str, float]) -> None:
    at_s = [time.process_time()]
    decoded = decode_image(image, "image/jpeg", MAX_PIXELS)
    at_s.append(time.process_time())
    prepared = decoded if isinstance(decoded, Reason) else prepare(decoded.pixels, layout)
    at_s.append(time.process_time())
    if not isinstance(prepared, Reason):
        probabilities = predict(prepared.cells)
        at_s.append(time.process_time())
        interpret(probabilities, layout, REGISTERED, Policy())
    at_s.append(time.process_time())
    for stage, start_s, end_s in zip(STAGES, at_s, at_s[1:], strict=False):
        spent[stage] += end_s - start_s
