"""The versions of one model: found in its folder, loaded, warmed up, and replaced at run time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

import structlog
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

SERVE_TAG = "serve"
LOG = structlog.get_logger()


class LoadState(IntEnum):
    """The states of ModelVersionStatus that a version has here."""

    LOADING = 20
    AVAILABLE = 30
    END = 50


@dataclass(frozen=True, slots=True)
class LoadedVersion:
    """One version folder. `signatures` is empty unless the state is AVAILABLE."""

    number: int
    state: LoadState
    error: str = ""
    signatures: Mapping[str, Any] = field(default_factory=dict)  # name -> concrete function
    described: Mapping[str, Any] = field(default_factory=dict)  # name -> SignatureDef
    held: Any = None  # the loaded object; its variables live as long as this does


class Repository:
    """Loads `<folder>/<model>/<N>` and keeps what it loaded; `refresh` looks again.

    Every version folder is served, as a replay may ask for an older one. A folder that does not
    load (copied half, damaged) is reported with its error and tried again when it has changed.
    """

    def __init__(self, folder: Path, model: str) -> None:
        self.model = model
        self._folder = folder / model
        self._versions: dict[int, LoadedVersion] = {}
        self._failed_at: dict[int, float] = {}
        self._refreshing = threading.Lock()

    @property
    def versions(self) -> tuple[LoadedVersion, ...]:
        """Every version folder known, newest first."""
        return tuple(sorted(self._versions.values(), key=lambda item: -item.number))

    def find(self, number: int | None) -> LoadedVersion | None:
        """Version `number`, or the newest available one for None; None where there is none."""
        available = [item for item in self.versions if item.state is LoadState.AVAILABLE]
        if number is None:
            return available[0] if available else None
        return next((item for item in available if item.number == number), None)

    def refresh(self) -> bool:
        """Load new folders, drop vanished ones. True if anything changed."""
        with self._refreshing:
            present = self._present()
            gone = self._versions.keys() - present.keys()
            fresh = [number for number in present if self._is_due(number, present[number])]
            self._versions = {n: v for n, v in self._versions.items() if n not in gone}
            for number in sorted(fresh):
                self._load(number, present[number])
            return bool(gone or fresh)

    def _present(self) -> dict[int, Path]:
        if not self._folder.is_dir():
            return {}
        # A version counts once its graph is there; TensorFlow's own writers put that last.
        return {
            int(path.name): path
            for path in self._folder.iterdir()
            if path.name.isdigit() and (path / "saved_model.pb").is_file()
        }

    def _is_due(self, number: int, path: Path) -> bool:
        if number not in self._versions:
            return True
        if self._versions[number].state is not LoadState.END:
            return False
        return _changed_at(path) != self._failed_at[number]

    def _load(self, number: int, path: Path) -> None:
        self._put(LoadedVersion(number, LoadState.LOADING))
        changed_at = _changed_at(path)
        try:
            self._put(load_version(number, path))
            LOG.info("model version loaded", model=self.model, version=number)
        except Exception as error:  # TensorFlow raises a dozen kinds for a damaged folder
            self._failed_at[number] = changed_at
            self._put(
                LoadedVersion(number, LoadState.END, error=f"{type(error).__name__}: {error}"[:500])
            )
            LOG.warning("model version refused", version=number, folder=str(path), error=str(error))

    def _put(self, version: LoadedVersion) -> None:
        # A new dictionary each time: the serving threads read without a lock.
        self._versions = {**self._versions, version.number: version}


def load_version(number: int, path: Path) -> LoadedVersion:
    """Load one version folder and run its warm-up requests.

    Raises:
        Exception: whatever TensorFlow raises for a folder that is no whole SavedModel.
    """
    held = tf.saved_model.load(str(path), tags=[SERVE_TAG])
    loaded = LoadedVersion(
        number,
        LoadState.AVAILABLE,
        signatures=dict(held.signatures),
        described=describe(path),
        held=held,
    )
    _warm_up(loaded, path / "assets.extra" / "tf_serving_warmup_requests")
    return loaded


def describe(path: Path) -> dict[str, Any]:
    """The SignatureDefs of a SavedModel, by name, as TensorFlow Serving reports them.

    Raises:
        ValueError: `saved_model.pb` is not one, or has no graph to serve.
    """
    try:
        model = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    except DecodeError as error:
        raise ValueError(f"{path}/saved_model.pb: {error}") from error
    for graph in model.meta_graphs:
        if SERVE_TAG in graph.meta_info_def.tags:
            return dict(graph.signature_def)
    raise ValueError(f"{path}: no graph with the tag {SERVE_TAG!r}")


def _warm_up(version: LoadedVersion, path: Path) -> None:
    if not path.is_file():
        return
    for record in tf.data.TFRecordDataset(str(path)):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        function = version.signatures[request.model_spec.signature_name or "serving_default"]
        function(**{name: tf.make_ndarray(value) for name, value in request.inputs.items()})


def _changed_at(path: Path) -> float:
    return max(item.stat().st_mtime for item in (path, *path.rglob("*")))
