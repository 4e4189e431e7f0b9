"""Generations in a real Redis: apart from each other, one of them live, the pointer atomic."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tallywire.election.election import Election
from tallywire.errors import UsageError
from tallywire.ledger.async_client import AsyncLedgerClient, open_async_ledger
from tallywire.ledger.client import LedgerClient, open_ledger
from tallywire.ledger.snapshot import audit, list_stations, read_snapshot
from tests.support.values import SCANS, make_election, make_reading

Three = dict[str, AsyncLedgerClient]


@pytest.fixture
def election(unique: str) -> Election:
    return make_election(unique)


@pytest.fixture
def reader(redis_url: str, election: Election) -> Iterator[LedgerClient]:
    with open_ledger(redis_url, election) as client:
        yield client


@pytest.fixture
async def three(election: Election, redis_url: str) -> AsyncIterator[Three]:
    stores = {name: open_async_ledger(redis_url, election, name) for name in ("g2", "g10", "g1")}
    for store in stores.values():
        await store.open()
        await store.open()
    yield stores
    for store in stores.values():
        await store.close()


def votes_for_a(reader: LedgerClient, generation: str | None = None) -> int:
    snapshot = read_snapshot(reader, generation)
    assert snapshot is not None
    return snapshot.districts["d1"].totals.get("votes|mayor|A|accepted|high", 0)


async def test_the_first_generation_opened_is_live_and_all_are_listed(
    three: Three, reader: LedgerClient
) -> None:
    found = reader.generations()
    assert [one.name for one in found] == ["g1", "g2", "g10"]
    assert [one.name for one in found if one.live] == ["g2"]
    assert found[0].about.districts == ("d1", "d2")
    assert reader.previous() is None


async def test_generations_keep_apart(three: Three, reader: LedgerClient) -> None:
    await three["g1"].apply(make_reading("d1-1", 0, votes={"A": 5}))
    await three["g2"].apply(make_reading("d1-1", 0, votes={"A": 7}))
    await three["g2"].advance(SCANS, 0, 1)
    assert votes_for_a(reader, "g1") == 5
    assert votes_for_a(reader, "g2") == 7
    assert votes_for_a(reader, "g10") == 0
    assert await three["g1"].next_offsets(SCANS) == {}
    for name in three:
        assert audit(reader, name) == []


async def test_the_same_topic_again_gives_the_same_bytes(
    three: Three, reader: LedgerClient
) -> None:
    night = [make_reading(f"d1-{n % 4 + 1}", n, image=f"i{n % 9}") for n in range(20)]
    for name in ("g1", "g2"):
        for event in night:
            await three[name].apply(event)
    one, other = (read_snapshot(reader, name) for name in ("g1", "g2"))
    assert one is not None
    assert other is not None
    assert one.districts == other.districts
    assert list_stations(reader, "g1") == list_stations(reader, "g2")


async def test_viewers_follow_the_pointer_there_and_back(
    three: Three, reader: LedgerClient
) -> None:
    await three["g1"].apply(make_reading("d1-1", 0, votes={"A": 5}))
    assert votes_for_a(reader) == 0
    assert reader.set_live("g1", expected="g2") == "g1"
    assert votes_for_a(reader) == 5
    assert reader.previous() == "g2"
    assert reader.set_live("g2", expected="g1") == "g2"
    assert votes_for_a(reader) == 0


async def test_a_promotion_repeated_is_done_once(three: Three, reader: LedgerClient) -> None:
    for _ in range(3):
        assert reader.set_live("g1", expected="g2") == "g1"
    assert reader.previous() == "g2"
    assert reader.set_live("g1", expected="g1") == "g1"
    assert reader.previous() == "g2"


async def test_a_promotion_does_not_undo_somebody_elses(three: Three, reader: LedgerClient) -> None:
    reader.set_live("g10", expected="g2")
    assert reader.set_live("g1", expected="g2") == "g10"
    assert reader.live() == "g10"


async def test_of_many_promotions_at_once_one_wins(three: Three, reader: LedgerClient) -> None:
    def promote(number: int) -> str:
        return reader.set_live(("g1", "g10")[number % 2], expected="g2")

    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(promote, range(16)))
    assert answers == {reader.live()}
    assert reader.previous() == "g2"


async def test_a_generation_that_was_never_opened_cannot_be_live(
    three: Three, reader: LedgerClient
) -> None:
    with pytest.raises(UsageError, match="g7"):
        reader.set_live("g7", expected="g2")
    assert reader.live() == "g2"


async def test_an_election_nobody_opened_has_no_generations(reader: LedgerClient) -> None:
    assert reader.generations() == []
    assert reader.live() is None
    assert read_snapshot(reader) is None
