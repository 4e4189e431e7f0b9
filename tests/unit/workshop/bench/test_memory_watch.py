"""What counts as bounded memory, and what a backlog is made of."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.election.loading import election_folder, load_election
from tallywire.errors import UsageError
from tallywire.workshop.bench.backlog import require_room
from tallywire.workshop.bench.memory_watch import MIB, MemorySamples, MemoryUse, complaints, sum_up
from tallywire.workshop.bench.queued_scans import station_id, variants, write_election


def samples(name: str, held_mib: list[float]) -> MemorySamples:
    found = MemorySamples()
    for at_s, held in enumerate(held_mib):
        found.note(name, float(at_s), int(held * MIB))
    return found


@given(st.lists(st.integers(1, 2000), min_size=2, max_size=50))
def test_the_peak_is_that_of_either_half(held_mib: list[int]) -> None:
    found = sum_up(samples("x", [*map(float, held_mib)]), 0.0, len(held_mib) - 1.0)["x"]
    assert found.peak_mib == max(held_mib) == max(found.early_mib, found.late_mib)
    assert found.samples == len(held_mib)


def test_only_what_was_seen_in_time_counts() -> None:
    seen = samples("x", [900.0, 10.0, 20.0, 900.0])
    assert sum_up(seen, 1.0, 2.0)["x"].peak_mib == 20
    assert sum_up(seen, 5.0, 6.0) == {}


def test_a_slow_start_is_no_growth() -> None:
    seen = samples("worker-1", [50, 60, 80, 120, 190, 190, 195, 195])
    assert complaints(sum_up(seen, 0.0, 7.0), [])  # as if work began with the process
    assert not complaints(sum_up(seen, 0.0, 7.0, warm_s=4.0), [])
    growing = samples("worker-1", [50, 60, 80, 120, 190, 190, 300, 310])
    assert complaints(sum_up(growing, 0.0, 7.0, warm_s=4.0), [])


@pytest.mark.parametrize(
    ("name", "early_mib", "late_mib", "complains"),
    [
        ("worker-1", 300, 310, False),
        ("worker-1", 401, 300, True),  # its own limit
        ("worker-2", 100, 200, True),  # under the limit, and still growing
        ("model", 650, 690, False),
        ("model", 650, 900, True),
        ("redis", 10, 900, False),  # keeps what comes in
    ],
)
def test_bounded(name: str, early_mib: float, late_mib: float, complains: bool) -> None:
    held = MemoryUse(max(early_mib, late_mib), early_mib, late_mib, 10)
    found = complaints({name: held}, ["redis"])
    assert bool(found) == complains
    assert all(name in one for one in found)


def test_every_variant_is_another_file_of_the_same_picture() -> None:
    files = list(itertools.islice(variants([b"one\xff\xd9", b"two\xff\xd9"]), 100))
    assert len(set(files)) == 100
    assert {file[:5] for file in files} == {b"one\xff\xd9", b"two\xff\xd9"}


def test_a_station_for_each_scan(tmp_path: Path) -> None:
    folder = write_election(election_folder("mx-2015-d15"), tmp_path / "election", 3000)
    election = load_election(folder).election
    assert len(election.stations) == 3000
    assert station_id(2999) in election.stations


def test_no_room_is_told_before_anything_starts(tmp_path: Path) -> None:
    for broker, place in (("kafka", "disk"), ("embedded", "memory")):
        with pytest.raises(UsageError, match=place):
            require_room(1e18, broker, tmp_path)  # type: ignore[arg-type]
        require_room(1000.0, broker, tmp_path)  # type: ignore[arg-type]
