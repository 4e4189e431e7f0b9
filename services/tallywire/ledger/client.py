"""The ledger for people and commands: one election's generations, read over one connection."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from redis import Redis
from redis.client import Pipeline

from tallywire.election.election import Election
from tallywire.errors import UsageError
from tallywire.ledger import keys
from tallywire.ledger.connection import TIMEOUT_S, address_of, connect, told_as_ours
from tallywire.ledger.generations import Generation, GenerationOrigin, by_number, from_values
from tallywire.ledger.record_key import RecordKey, districts_of
from tallywire.ledger.serialization import from_offsets
from tallywire.records import Partition


class LedgerClient:
    """Everything about one election that is not written by a worker: generations and the pointer
    that says which of them viewers follow. Totals and records: `tallywire.ledger.snapshot`.

    A context manager. Threads may share it.

    Raises:
        PeerError: from every method where Redis is away, slow or refuses.
    """

    def __init__(self, redis: Redis, election: Election, url: str) -> None:
        self.election, self.url = election, url
        self._redis = redis
        self._promote = redis.register_script(
            files("tallywire.ledger").joinpath("promote.lua").read_text()
        )

    def __enter__(self) -> LedgerClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Where it is, for people."""
        return address_of(self.url)

    @property
    def districts(self) -> tuple[str, ...]:
        """Every district that has records, that of unknown stations last."""
        return districts_of(self.election)

    def at(self, generation: str, district: str) -> keys.DistrictKeys:
        """The keys of a district in a generation."""
        return keys.DistrictKeys(self.election.id, generation, district)

    @contextmanager
    def together(self) -> Iterator[Pipeline]:
        """Commands that travel in one round trip: `execute` them inside."""
        with told_as_ours(self.url), self._redis.pipeline(transaction=False) as pipe:
            yield pipe

    def live(self) -> str | None:
        """The generation that viewers follow; None before the first worker."""
        with told_as_ours(self.url):
            return _text(self._redis.get(keys.live(self.election.id)))

    def previous(self) -> str | None:
        """The generation that was live before this one: where a rollback goes."""
        with told_as_ours(self.url):
            return _text(self._redis.lindex(keys.past(self.election.id), -1))

    def generations(self) -> list[Generation]:
        """Every generation that was opened, in the order of their numbers."""
        live = self.live()
        with told_as_ours(self.url):
            found: Any = self._redis.hgetall(keys.generations(self.election.id))
        named = {name.decode(): from_values(json.loads(about)) for name, about in found.items()}
        return [Generation(one, one == live, named[one]) for one in sorted(named, key=by_number)]

    def origin(self, generation: str) -> GenerationOrigin | None:
        """How a generation was made; None where it was never opened."""
        with told_as_ours(self.url):
            found: Any = self._redis.hget(keys.generations(self.election.id), generation)
        return from_values(json.loads(found)) if found else None

    def set_live(self, wanted: str, expected: str) -> str:
        """Point viewers at `wanted` if they follow `expected` now; repeating it is harmless.

        One atomic step: a viewer sees the old totals or the new ones, never a mixture.

        Returns:
            the generation that is live afterwards: `wanted`, or another one where somebody else
            has moved the pointer in between.

        Raises:
            UsageError: `wanted` was never opened.
        """
        name = self.election.id
        with told_as_ours(self.url):
            answer = self._promote(
                keys=[keys.live(name), keys.past(name), keys.generations(name)],
                args=[expected, wanted],
            )
        live = _text(answer)
        if live is None:
            raise UsageError(f"generation {wanted} of {name} does not exist: replay into it first")
        return live

    def next_offsets(self, generation: str) -> Mapping[Partition, int]:
        """By partition of all topics, the next offset that the generation's workers will read."""
        with told_as_ours(self.url):
            found: Any = self._redis.hgetall(keys.offsets(self.election.id, generation))
        return from_offsets(found)

    def is_followed(self, generation: str) -> bool:
        """True while a worker says that it counts what arrives (or did seconds ago)."""
        with told_as_ours(self.url):
            return bool(self._redis.exists(keys.followed(self.election.id, generation)))

    def record_keys(self, generation: str) -> set[RecordKey]:
        """Every known station that has a record."""
        ids = [district.id for district in self.election.districts]
        with self.together() as pipe:
            for one in ids:
                pipe.smembers(self.at(generation, one).stations)
            answers: list[Any] = pipe.execute()
        pairs = zip(ids, answers, strict=True)
        return {RecordKey.parse(one, name.decode()) for one, names in pairs for name in names}

    def close(self) -> None:
        """End the connections."""
        self._redis.close()


def open_ledger(url: str, election: Election, timeout_s: float = TIMEOUT_S) -> LedgerClient:
    """The ledger of an election; nothing is asked yet. Use it as a context manager.

    Args:
        timeout_s: the most that one answer may take.

    Raises:
        UsageError: the address is none.
    """
    return LedgerClient(connect(url, timeout_s), election, url)


def _text(found: Any) -> str | None:
    return found.decode() if found else None
