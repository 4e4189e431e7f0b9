"""`tallywire dashboard --check`: ready means the page and its ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallywire.cli.dashboard import check_ready
from tallywire.edge.health_server import HealthServer, as_json
from tallywire.election.loading import load_election
from tallywire.errors import PeerError
from tallywire.ledger.async_client import open_async_ledger
from tallywire.settings import load_settings
from tallywire.supervision.ports import any_free_port
from tests.support.elections import copy_shipped


async def test_ready_is_page_and_ledger(redis_url: str, unique: str, tmp_path: Path) -> None:
    folder = copy_shipped(tmp_path / "election", unique)
    given = {"election": str(folder), "redis": redis_url}
    with pytest.raises(PeerError, match="No dashboard answers"):
        check_ready(load_settings(**given, dashboard_port=any_free_port()))
    # In the page's place: what Streamlit answers is the live page's own test.
    with HealthServer({"/_stcore/health": lambda: as_json(200, {})}) as page:
        settings = load_settings(**given, dashboard_port=page.port)
        with pytest.raises(PeerError, match="start a worker"):
            check_ready(settings)
        election = load_election(folder).election
        ledger = open_async_ledger(redis_url, election, "g1")
        await ledger.open()
        await ledger.close()
        check_ready(settings)
        away = load_settings(
            election=str(folder), redis="redis://127.0.0.1:1/0", dashboard_port=page.port
        )
        with pytest.raises(PeerError, match="No ledger at"):
            check_ready(away)
