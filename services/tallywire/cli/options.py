"""Options that several commands take: where the servers are, and of which election."""

from __future__ import annotations

from typing import Annotated

import typer

ElectionOption = Annotated[
    str | None, typer.Option(help="Election folder, or the id of a shipped election")
]
KafkaOption = Annotated[str | None, typer.Option(help="Bootstrap servers, host:port,...")]
RedisOption = Annotated[str | None, typer.Option(help="Redis URL of the ledger")]
ServingOption = Annotated[str | None, typer.Option(help="gRPC target of the model server")]
