"""What the fault suite is made of: streams of scans, nonsense, and the measure of recovery."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.edge.images import DecodedImage, decode_image
from tallywire.edge.serving_wire import CLASSES, DT_FLOAT, load_messages, read_answer
from tallywire.errors import PeerError, UsageError
from tallywire.reasons import Reason
from tallywire.records import Scan, Source
from tallywire.wire import decode_scan
from tallywire.workshop.faults.messages import ScanMessage, SheetPool
from tallywire.workshop.faults.model_relay import NONSENSE
from tallywire.workshop.faults.progress_sampler import recovery_s
from tallywire.workshop.faults.scenarios import SCENARIOS, choose
from tallywire.workshop.faults.streams import (
    clocks_an_hour_off,
    every_scan_thrice,
    one_in_four_malformed,
)
from tallywire.workshop.faults.table import FaultRow, to_json, to_lines, to_table
from tests.support import scan_files

POOL = SheetPool((scan_files.good_jpeg(),), ("4251-B", "4251-C1"))
LIMIT_BYTES, LIMIT_PX = 4 * 1024 * 1024, 50_000_000


def opened(message: ScanMessage) -> Scan | DecodedImage | Reason:
    """What a worker makes of a message: the envelope first, then the picture."""
    now, source = datetime.now(UTC), Source("tally.scans", 0, 0)
    scan = decode_scan(message.key, message.value, message.headers, source, now, LIMIT_BYTES)
    if isinstance(scan, Reason):
        return scan
    found = decode_image(scan.image, scan.envelope.content_type, LIMIT_PX)
    return scan if isinstance(found, DecodedImage) else found


def test_a_quarter_is_malformed_in_every_way_and_the_rest_is_good() -> None:
    messages = list(islice(one_in_four_malformed(POOL, Random(1)), 48))
    assert sum(message.malformed for message in messages) == 12
    for message in messages:
        found = opened(message)
        unknown = isinstance(found, Scan) and found.envelope.station not in POOL.stations
        assert (isinstance(found, Reason) or unknown) == message.malformed


def test_every_scan_three_times() -> None:
    messages = list(islice(every_scan_thrice(POOL, Random(1)), 90))
    assert set(Counter((one.key, one.headers[1]) for one in messages).values()) == {3}


def test_clocks_an_hour_off_are_told_by_scanner_and_broker_alike() -> None:
    now, hours = datetime.now(UTC), set()
    for message in islice(clocks_an_hour_off(POOL, Random(1)), 30):
        found = opened(message)
        assert isinstance(found, Scan)
        assert message.timestamp_ms is not None
        off = found.envelope.captured_at - now
        assert abs(message.timestamp_ms / 1000 - found.envelope.captured_at.timestamp()) < 1
        hours.add(round(off / timedelta(hours=1)))
    assert hours == {-1, 0, 1}


@pytest.mark.parametrize("kind", list(NONSENSE))
def test_every_kind_of_nonsense_can_be_told_from_an_answer(kind: str) -> None:
    messages = load_messages()
    good = messages.predict_response()
    good.model_spec.version.value = 2
    tensor = good.outputs["probabilities"]
    tensor.dtype = DT_FLOAT
    for size in (3, CLASSES):
        tensor.tensor_shape.dim.add().size = size
    tensor.tensor_content = np.full((3, CLASSES), 1 / CLASSES, "<f4").tobytes()
    assert read_answer(good, 3, None).model_version == 2
    spoilt = NONSENSE[kind](good)
    with pytest.raises(Exception) as raised:  # noqa: PT011 - which one is the next line's
        read_answer(messages.predict_response.FromString(spoilt), 3, None)
    assert isinstance(raised.value, PeerError) == (kind != "no_message")


def test_recovery_is_the_slowest_partition_after_the_slowest_mending() -> None:
    samples = [(0.0, {0: 1, 1: 1}), (2.0, {0: 2, 1: 1}), (5.0, {0: 3, 1: 4}), (9.0, {0: 4, 1: 4})]
    ends = {0: 4, 1: 4}
    assert recovery_s(samples, [1.0], ends) == 4.0  # partition 1 moved at 5
    assert recovery_s(samples, [6.0], ends) == 3.0  # nothing was left in partition 1
    assert recovery_s(samples, [1.0, 6.0], ends) == 4.0
    assert recovery_s(samples, [1.0, 4.5], ends) == 1.0  # partition 1 waited from 4.5 on only
    assert recovery_s(samples, [10.0], ends) == 0.0
    assert recovery_s(samples, [6.0], {0: 9, 1: 9}) is None  # partition 1 never moved again
    assert recovery_s([], [1.0], ends) is None


@given(
    st.lists(st.tuples(st.floats(0.1, 5), st.integers(0, 1)), min_size=1, max_size=20),
    st.floats(0, 60),
)
def test_a_count_that_reached_the_end_has_recovered(
    steps: list[tuple[float, int]], moment: float
) -> None:
    now, at, samples = 0.0, {0: 0, 1: 0}, [(0.0, {0: 0, 1: 0})]
    for pause_s, number in steps:
        now, at = now + pause_s, {**at, number: at[number] + 1}
        samples.append((now, at))
    found = recovery_s(samples, [moment], at)
    assert found is not None
    assert 0 <= found <= now


def test_the_choice_of_faults() -> None:
    assert choose(SCENARIOS, (), short=False) == list(SCENARIOS)
    assert len({fault.name for fault in SCENARIOS}) == len(SCENARIOS)
    short = choose(SCENARIOS, (), short=True)
    assert 3 <= len(short) < 6
    assert not any(fault.durable for fault in short)
    assert [one.name for one in choose(SCENARIOS, ["redis-full"], short=True)] == ["redis-full"]
    with pytest.raises(UsageError, match="no fault 'earthquake'; there are: worker-killed"):
        choose(SCENARIOS, ["earthquake"], short=False)


def test_a_short_row_is_seen() -> None:
    good = FaultRow("a", "x", 1, 10, 0, 0, 1.5, True, 3.0, ())
    short = FaultRow("b", "y", 1, 10, 1, 0, None, False, 3.0, ("one of them is gone",))
    left_out = FaultRow("c", "z", 0, 0, 0, 0, None, True, 0.0, (), skipped=True)
    assert to_table([good, short, left_out]).row_count == 3
    assert to_lines([good, short]) == ["b: one of them is gone"]
    assert to_json([good, left_out], "embedded", 1)["kept"]
    told = to_json([good, short], "kafka", 1)
    assert not told["kept"]
    assert [one["kept"] for one in told["faults"]] == [True, False]
