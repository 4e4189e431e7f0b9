"""Options that several commands take: where the servers are, and where results are written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallywire.edge.output_files import require_writable


def _check_json(path: Path | None) -> Path | None:
    """Click calls this before the command's own function: nothing has been done by then."""
    if path is not None:
        require_writable(path, "--json")
    return path


ElectionOption = Annotated[
    str | None, typer.Option(help="Election folder, or the id of a shipped election")
]
KafkaOption = Annotated[str | None, typer.Option(help="Bootstrap servers, host:port,...")]
RedisOption = Annotated[str | None, typer.Option(help="Redis URL of the ledger")]
ServingOption = Annotated[str | None, typer.Option(help="gRPC target of the model server")]
JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json", metavar="FILE", callback=_check_json, help="Write the result there as JSON too"
    ),
]
