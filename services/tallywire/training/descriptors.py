"""Writes `edge/serving.binpb`: the part of TensorFlow Serving's API that the worker speaks.

`python -m tallywire.training.descriptors` takes it from tensorflow-serving-api's own compiled
descriptors, so that the worker needs neither that package nor the TensorFlow it imports. Run it
again when tensorflow-serving-api is raised; a test says when the file is out of date.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
)

import tallywire.edge

MODULES = (predict_pb2, get_model_status_pb2, get_model_metadata_pb2)


def descriptor_set() -> bytes:
    """The serialised FileDescriptorSet: every needed file, after the files it imports."""
    found: dict[str, Any] = {}
    for module in MODULES:
        _collect(module.DESCRIPTOR, found)
    out = FileDescriptorSet()
    for file in found.values():
        file.CopyToProto(out.file.add())
    return bytes(out.SerializeToString(deterministic=True))


def _collect(file: Any, found: dict[str, Any]) -> None:
    for dependency in file.dependencies:
        _collect(dependency, found)
    found.setdefault(file.name, file)


def main() -> None:
    """Write the file into the source tree."""
    folder = Path(tallywire.edge.__file__).parent
    (folder / "serving.binpb").write_bytes(descriptor_set())


if __name__ == "__main__":
    main()
