"""The choice of faults."""

from __future__ import annotations

import pytest

from tallywire.errors import UsageError
from tallywire.workshop.faults.scenarios import SCENARIOS, choose


def test_the_choice_of_faults() -> None:
    assert choose(SCENARIOS, (), short=False) == list(SCENARIOS)
    assert len({fault.name for fault in SCENARIOS}) == len(SCENARIOS)
    short = choose(SCENARIOS, (), short=True)
    assert 3 <= len(short) < 6
    assert not any(fault.durable for fault in short)
    assert [one.name for one in choose(SCENARIOS, ["redis-full"], short=True)] == ["redis-full"]
    with pytest.raises(UsageError, match="no fault 'earthquake'; there are: worker-killed"):
        choose(SCENARIOS, ["earthquake"], short=False)
