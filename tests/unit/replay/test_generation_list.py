"""Generations as people read them."""

from __future__ import annotations

import json

from tallywire.election.election import LayoutUsed
from tallywire.errors import PeerError
from tallywire.ledger.generations import REPLAY, GenerationOrigin
from tallywire.replay import generation_list
from tests.support.two_generations import printed


def test_generations_as_a_table_even_without_a_broker() -> None:
    about = GenerationOrigin((), REPLAY, "2026-11-22T20:00:00+00:00", "0.1.0", "digits", 1,
                  {"m": LayoutUsed("mx-2015", 1, "ab")})  # fmt: skip
    outcomes = dict.fromkeys(("counted", "held", "rejected", "duplicate"), 3)
    rows = (
        generation_list.GenerationRow("g1", True, GenerationOrigin(), None, None, outcomes, 0),
        generation_list.GenerationRow("g2", False, about, 1200, 4, outcomes, 2),
    )
    found = generation_list.GenerationList("test", rows, str(PeerError("no broker")))
    text = printed(generation_list.to_table(found))
    assert "g1 live" in text
    assert "?" in text
    assert "1,200" in text
    assert "mx-2015 v1" in text
    assert json.loads(json.dumps(generation_list.to_json(found)))["rows"][1]["scans_lag"] == 1200
