"""A scan whose fields may lie elsewhere becomes a held reading that names them."""

from __future__ import annotations

import hashlib
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from tallywire.edge.serving_wire import ClassifierAnswer
from tallywire.reading.policy import Policy
from tallywire.reasons import Code
from tallywire.records import Envelope, Reading, Source, Verdict
from tallywire.sheet.prepare import Takes
from tallywire.wire import decode, encode, encode_scan_headers
from tallywire.worker.handler import IncomingRecord
from tallywire.worker.retry import Peers
from tallywire.worker.scan_handler import ScanHandler
from tests.support.markless_forms import at, known, sheet
from tests.support.memory_ledger import MemoryLedger
from tests.support.scan_files import png
from tests.support.values import NIGHT, SCANS

FORM = "grey-seven"
CUT_PX = 5  # above the middle of the last row


class SureModel:
    """Reads a certain 1 in every cell."""

    async def takes(self) -> Takes:
        return Takes.CELLS

    async def classify(self, cells: NDArray[np.uint8]) -> ClassifierAnswer:
        probabilities = np.zeros((len(cells), 11), np.float32)
        probabilities[:, 1] = 1
        return ClassifierAnswer(probabilities, 1)

    async def policy(self, version: int | None = None) -> Policy:
        return Policy()


def handler(threads: Executor) -> ScanHandler:
    election = at(FORM).election
    layouts = {contest.id: known(FORM) for contest in election.contests}
    return ScanHandler(
        election=election,
        layouts=layouts,
        ledger=MemoryLedger(election),
        model=SureModel(),
        model_name="digits",
        threads=threads,
        peers=Peers(),
        max_pixels=50_000_000,
        max_value_bytes=10_000_000,
    )


def record(image: bytes) -> IncomingRecord:
    station = next(iter(at(FORM).election.stations))
    digest = hashlib.sha256(image).hexdigest()
    said = Envelope(station, "scanner 1", NIGHT, "image/png", digest)
    return IncomingRecord(
        Source(SCANS, 0, 1), station.encode(), image, tuple(encode_scan_headers(said)), NIGHT
    )


async def read(pixels: NDArray[np.uint8]) -> Reading:
    with ThreadPoolExecutor(1) as threads:
        answer = await handler(threads).read(record(png(pixels)))
    assert isinstance(answer, Reading), answer
    return answer


@pytest.mark.parametrize("cut", [False, True])
async def test_a_row_whose_place_is_doubtful_holds_the_reading(cut: bool) -> None:
    page, truth = sheet(FORM)
    last = known(FORM).fields[-1]
    _, y, w = truth @ np.array([*last.cells[-1].center_mm, 1.0])
    pixels = np.ascontiguousarray(page[: round(y / w) - CUT_PX]) if cut else page
    reading = await read(pixels)
    named = {
        reason.evidence["field"]
        for reason in reading.reasons
        if reason.code is Code.FIELD_MISPLACED
    }
    assert named >= {last.id} if cut else not named
    assert not cut or reading.verdict is Verdict.HELD
    assert decode(Reading, encode(reading)).reasons == reading.reasons
