"""`tallywire export`: evidence and totals as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import ElectionOption, JsonOption, KafkaOption, RedisOption


def export(
    out: Annotated[Path, typer.Option(help="New folder to write")],
    election: ElectionOption = None,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    json_file: JsonOption = None,
) -> None:
    """Write everything that an outsider needs to check the count, without a server.

    Readings, corrections and rejections as JSON lines (no images, but their SHA-256), the totals
    of every generation as JSON and as CSV per district, the election's files, and SHA256SUMS.
    Check it anywhere with `tallywire verify --from-folder FOLDER`.
    """
    from tallywire.edge.output_files import write_json
    from tallywire.results.export import export as write
    from tallywire.results.export import print_exported, to_json
    from tallywire.settings import load_settings

    done = write(load_settings(election=election, kafka=kafka, redis=redis), out)
    print_exported(done)
    if json_file:
        write_json(json_file, to_json(done))
