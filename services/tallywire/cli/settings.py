"""`tallywire settings`: every setting in force and where it comes from."""

from __future__ import annotations

from tallywire.cli.options import (
    ElectionOption,
    JsonOption,
    KafkaOption,
    RedisOption,
    ServingOption,
)


def settings(
    election: ElectionOption = None,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    serving: ServingOption = None,
    json_file: JsonOption = None,
) -> None:
    """Print every setting with its value, where it comes from and what it means.

    A setting comes from an option, else from its variable TALLYWIRE_<NAME>, else it is the one
    shipped. A variable that is no setting is an error, told with the nearest name. Passwords are
    not printed.
    """
    from tallywire.doctor.settings_in_force import settings_in_force, to_json, to_table
    from tallywire.edge.output_files import write_json
    from tallywire.edge.terminal import terminal
    from tallywire.settings import load_settings

    options = {"election": election, "kafka": kafka, "redis": redis, "serving": serving}
    found = settings_in_force(load_settings(**options), options)
    if json_file:
        write_json(json_file, {"settings": to_json(found)})
    terminal().print(to_table(found))
