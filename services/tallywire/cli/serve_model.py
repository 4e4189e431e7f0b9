"""`tallywire serve-model`: the embedded model server."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

# TensorFlow imports these where it finds them, for training; a server has no use for them, and
# they take 100 MB and half a second.
UNUSED = ("pandas", "pyarrow", "matplotlib")


def serve_model(
    model_repo: Annotated[
        Path | None, typer.Option(help="Folder of models: <repo>/<model>/<version>/saved_model.pb")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Name of the model")] = None,
    host: Annotated[str, typer.Option(help="Address to bind; loopback by default")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 lets the system choose")] = 8500,
    threads: Annotated[
        int, typer.Option(min=1, max=256, help="Calls that run at once, one core each")
    ] = os.cpu_count() or 2,
    health_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="Port of /healthz and /readyz over HTTP; off if left out, 0 lets us choose",
        ),
    ] = None,
    poll_s: Annotated[
        float, typer.Option(min=0.05, help="How often to look for new version folders")
    ] = 2.0,
) -> None:
    """Serve the digit model with TensorFlow Serving's gRPC API, on a machine without it.

    Same folders, same calls as tensorflow/serving: PredictionService (Predict,
    GetModelMetadata), ModelService (GetModelStatus) and gRPC health. Every version folder is
    served; a new one is loaded when it appears. Prints `ready HOST:PORT MODEL VERSIONS` once it
    answers; ends on SIGTERM after the calls under way.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its start-up notes are not for operators
    from tallywire.edge.logs import configure_logs
    from tallywire.settings import load_settings

    settings = load_settings(model_repo=model_repo, model=model)
    configure_logs(settings.log_level, as_json=settings.log_json)
    for name in UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None: as if not installed
    from tallywire.modelserver.server import ServeModelOptions, run

    run(
        ServeModelOptions(
            model_repo=settings.model_repo,
            model=settings.model,
            host=host,
            port=port,
            threads=threads,
            poll_s=poll_s,
            health_port=settings.health_port or None if health_port is None else health_port,
            health_address=settings.health_address,
            stalled_after_s=settings.stalled_after_s,
        )
    )
