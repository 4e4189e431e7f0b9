"""`tallywire generations`: every build of the ledger."""

from __future__ import annotations

from tallywire.cli.options import ElectionOption, JsonOption, KafkaOption, RedisOption


def generations(
    election: ElectionOption = None,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    json_file: JsonOption = None,
) -> None:
    """List the generations: which one is live, how each was made, how far it is behind the topics.

    While the broker is away the lags are shown as "?".
    """
    from tallywire.edge.output_files import write_json
    from tallywire.replay.generation_list import list_all, print_generations, to_json
    from tallywire.settings import load_settings

    listing = list_all(load_settings(election=election, kafka=kafka, redis=redis))
    if json_file:
        write_json(json_file, to_json(listing))
    print_generations(listing)
