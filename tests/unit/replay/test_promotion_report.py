"""What viewers saw before a promotion and see after it."""

from __future__ import annotations

import io
import json

from rich.console import Console

from tallywire.replay import promotion_report
from tallywire.replay.promotion import Promotion
from tests.support.two_generations import NEW, OLD, difference, ledger_of, snapshot
from tests.support.values import make_correction, make_reading


def test_what_viewers_saw_and_see() -> None:
    corrected = ledger_of(make_reading("d1-1", 0), make_correction("d1-1", 0, {"A": 7}))
    assert promotion_report.totals(snapshot("g1", corrected)) == {
        "stations_counted": 1, "stations_held": 0, "votes": 7, "rejected": 0,
    }  # fmt: skip
    went = Promotion(snapshot("g1", OLD), snapshot("g2", NEW), difference(OLD, NEW), ("stale",))
    console = Console(file=io.StringIO(), width=200)
    promotion_report.tell(went, console)
    text = console.file
    assert isinstance(text, io.StringIO)
    assert "Warning: stale" in text.getvalue()
    assert "Viewers follow g2 now" in text.getvalue()
    values = promotion_report.to_json(went)
    assert (values["before"]["votes"], values["now"]["votes"]) == (33, 68)
    assert json.dumps(values)
