"""Every Redis key of the ledger. The braces make one hash slot of a district (Redis Cluster)."""

from __future__ import annotations

from dataclasses import dataclass

NOWHERE = "-"  # district, and contest, of scans whose station is unknown


def live(election: str) -> str:
    """String: the generation that viewers follow."""
    return f"{{{election}}}:live"


def past(election: str) -> str:
    """List: the generations that were live before, the latest last."""
    return f"{{{election}}}:past"


def generations(election: str) -> str:
    """Hash: generation -> JSON of how it was opened."""
    return f"{{{election}}}:generations"


def offsets(election: str, generation: str) -> str:
    """Hash: `topic|partition` -> next offset to read."""
    return f"{{{election}:{generation}}}:offsets"


def gaps(election: str, generation: str) -> str:
    """Hash: `topic|partition|next offset` -> offsets that the broker no longer had before it."""
    return f"{{{election}:{generation}}}:gaps"


def begins(election: str, generation: str) -> str:
    """Hash: `topic|partition` -> `offset times`: how often a worker began there in a row."""
    return f"{{{election}:{generation}}}:begins"


def marks(election: str, generation: str) -> str:
    """Hash: `topic|partition|offset` -> times that a worker began to read it alone."""
    return f"{{{election}:{generation}}}:marks"


def followed(election: str, generation: str) -> str:
    """String that expires: some worker of the generation has partitions and can count."""
    return f"{{{election}:{generation}}}:followed"


@dataclass(frozen=True, slots=True)
class DistrictKeys:
    """The keys of one district in one generation."""

    election: str
    generation: str
    district: str

    @property
    def _tag(self) -> str:
        return f"{{{self.election}:{self.generation}:d{self.district}}}"

    @property
    def totals(self) -> str:
        """Hash: counter -> integer (`tallywire.ledger.counters`)."""
        return f"{self._tag}:totals"

    @property
    def frame(self) -> str:
        """Hash: what is expected - `stations`, `registered`."""
        return f"{self._tag}:frame"

    @property
    def revision(self) -> str:
        """Integer: goes up with every change of the district."""
        return f"{self._tag}:revision"

    @property
    def review(self) -> str:
        """Set: `contest:station` of the stations that a person should decide."""
        return f"{self._tag}:review"

    @property
    def stations(self) -> str:
        """Set: `contest:station` of every station that has a record."""
        return f"{self._tag}:stations"

    @property
    def outbox(self) -> str:
        """Hash: source -> the event applied there, until the broker has its message."""
        return f"{self._tag}:outbox"

    def station(self, contest: str, station: str) -> str:
        """Hash: `version` and `body` (canonical JSON) of one station's record."""
        return f"{self._tag}:station:{contest}:{station}"
