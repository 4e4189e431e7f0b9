"""A saved version as a network that can be trained further."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tallywire.errors import UsageError
from tallywire.training.export import load_network_weights
from tallywire.training.networks import NETWORKS, NetworkOptions

RECORD = "training.json"


def load_network(folder: Path) -> Any:
    """The network of a saved version as a Keras model, ready to be trained further.

    Raises:
        UsageError: the version has no record of how it was trained.
    """
    plan = read_record(folder)["plan"]
    options = NetworkOptions(plan["dropout"], batch_norm=False)  # it was folded on export
    network = NETWORKS[plan["network"]](options)
    network.set_weights(load_network_weights(folder))
    return network


def read_record(folder: Path) -> dict[str, Any]:
    """What `training.json` of a saved version holds.

    Raises:
        UsageError: the version has no record of how it was trained.
    """
    path = folder / RECORD
    if not path.is_file():
        raise UsageError(f"{path}: not there; only a version made by `tallywire train` has one")
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record
