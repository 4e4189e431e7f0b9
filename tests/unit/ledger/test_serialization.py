"""Places and offsets as the ledger's hashes hold them, and what a generation was made of."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.election.election import LayoutUsed
from tallywire.ledger.generations import REPLAY, GenerationOrigin, from_values, to_values
from tallywire.ledger.serialization import (
    from_begins,
    from_offsets,
    from_place,
    to_begins,
    to_place,
)
from tallywire.records import Partition, Source

topics = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1)
numbers = st.integers(0, 10**12)


@given(topics, numbers, numbers)
def test_a_place_comes_back_as_it_went(topic: str, number: int, offset: int) -> None:
    source = Source(topic, number, offset)
    assert Partition.parse(str(source.log)) == source.log == (topic, number)
    assert from_place(to_place(source).encode()) == source
    assert from_offsets({str(source.log).encode(): b"7"}) == {source.log: 7}
    assert from_begins(to_begins(offset, number).encode()) == (offset, number)


def test_names_are_those_that_redis_has_held_since_the_first_night() -> None:
    assert str(Partition("tally.scans", 3)) == "tally.scans|3"
    assert to_place(Source("tally.scans", 3, 40)) == "tally.scans|3|40"
    assert from_begins(None) == (-1, 0)


@pytest.mark.parametrize("text", ["", "tally.scans", "tally.scans|", "tally.scans|three"])
def test_what_names_no_partition_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="int"):
        Partition.parse(text)


def test_an_origin_comes_back_from_its_json() -> None:
    made = GenerationOrigin(
        ("d1",),
        REPLAY,
        model="digits",
        layouts={"mayor": LayoutUsed("form", 2, "ab" * 32)},
        begin="2026-11-22T20:00:00+00:00",
        starts={Partition("tally.scans", 0): 7},
    )
    values = json.loads(json.dumps(to_values(made)))
    assert values["starts"] == {"tally.scans|0": 7}
    assert from_values(values) == made


@pytest.mark.parametrize("broken", [{"starts": {"nowhere": 7}}, {"made_by": 7}])
def test_an_origin_that_cannot_be_read_knows_its_districts(broken: dict[str, object]) -> None:
    assert from_values({"districts": ["d1"], **broken}) == GenerationOrigin(("d1",))
