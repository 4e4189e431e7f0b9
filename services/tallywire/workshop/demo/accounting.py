"""Where did every scan go? Compares what Kafka acknowledged with what the ledger holds. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accounting:
    """The delivery guarantee in numbers; all are counts of scans."""

    published: int
    acknowledged: int
    accounted: int
    counted: int
    held: int
    duplicates: int
    rejected: int
    lost: int
    double_counted: int

    @property
    def kept(self) -> bool:
        """True where the guarantee held: nothing lost, nothing twice, nothing left over."""
        return (
            self.lost == 0
            and self.double_counted == 0
            and self.accounted == self.acknowledged == self.published
        )


def account(
    published: int,
    acknowledged: Collection[str],
    outcomes: Mapping[str, int],
    known: Collection[str],
    discrepancies: int,
) -> Accounting:
    """Account for one generation of a ledger.

    Args:
        published: scans handed to the publisher.
        acknowledged: scan id of each broker acknowledgement, repeated where sent again.
        outcomes: the ledger's own outcome counters: counted, held, duplicate, rejected.
        known: scan ids that the ledger can name, each once.
        discrepancies: counters whose value differs from the sum of the stations' records.

    Returns:
        `lost` = acknowledged scan ids unknown to the ledger, or events it has no outcome for;
        `double_counted` = outcomes beyond the acknowledged events, plus the discrepancies.
    """
    events = Counter(acknowledged)
    accounted = sum(outcomes.values())
    return Accounting(
        published=published,
        acknowledged=len(acknowledged),
        accounted=accounted,
        counted=outcomes.get("counted", 0),
        held=outcomes.get("held", 0),
        duplicates=outcomes.get("duplicate", 0),
        rejected=outcomes.get("rejected", 0),
        lost=max(len(events.keys() - set(known)), len(acknowledged) - accounted, 0),
        double_counted=max(accounted - len(acknowledged), 0) + discrepancies,
    )
