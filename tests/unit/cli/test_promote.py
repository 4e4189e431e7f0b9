"""What is no generation's name is told before any server is asked."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from tallywire.cli.main import build
from tallywire.errors import UsageError

NOBODY = "redis://127.0.0.1:9/0"


@pytest.mark.parametrize("name", ["nonsense", "g", "g1234567", "2"])
def test_promoting_what_is_no_generation_names_it(name: str) -> None:
    result = CliRunner().invoke(build(), ["promote", name, "--redis", NOBODY])
    assert isinstance(result.exception, UsageError)
    assert f"GENERATION: {name!r} - " in str(result.exception)
