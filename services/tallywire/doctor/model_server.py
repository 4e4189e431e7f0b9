"""The model server: is it there, is the version loaded, are its signatures the worker's?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tallywire.doctor.findings import Finding, fail, ok, warn
from tallywire.edge.serving import Classifier, Signature, VersionState, VersionStatus
from tallywire.edge.serving_wire import CLASSES, DT_FLOAT, DT_UINT8
from tallywire.errors import PeerError
from tallywire.settings import Settings

PART = "Model server"
CELLS = (DT_UINT8, (-1, 28, 28, 1))
PATCHES = (DT_UINT8, (-1, 48, 48, 1))
PROBABILITIES = (DT_FLOAT, (-1, CLASSES))
START_IT = "start it: tallywire serve-model, or tensorflow/serving with deploy/models.config"


def check_model(settings: Settings, timeout_s: float) -> list[Finding]:
    """Every check of the model server, in one short conversation."""
    return asyncio.run(_converse(settings, timeout_s))


async def _converse(settings: Settings, timeout_s: float) -> list[Finding]:
    pinned = settings.model_version
    async with Classifier(settings.serving, settings.model, pinned, timeout_s) as classifier:
        try:
            versions = await classifier.versions()
        except PeerError as error:
            return [fail(PART, settings.serving, str(error), START_IT)]
        found = list(judge_versions(versions, settings))
        try:
            signatures = await classifier.signatures()
            found += judge_signatures(signatures)
            takes = await classifier.takes()
            answer = await classifier.classify(np.zeros((1, takes, takes), np.uint8))
            policy = await classifier.policy(answer.model_version)
        except PeerError as error:
            return [*found, fail(PART, "a trial call", str(error), "export the model again")]
    return [
        *found,
        ok(PART, "a trial call", f"version {answer.model_version} answered; {policy}"),
    ]


def judge_versions(versions: Sequence[VersionStatus], settings: Settings) -> Iterator[Finding]:
    """Is a version served, and on the night one only, pinned?"""
    served = [item.version for item in versions if item.state is VersionState.AVAILABLE]
    for item in versions:
        if item.error:
            yield warn(PART, f"version {item.version}", item.error, "export that version again")
    pinned = settings.model_version
    listed = ", ".join(map(str, served)) or "none"
    if not served:
        yield fail(PART, settings.serving, f"no version of {settings.model!r} is loaded", START_IT)
    elif pinned is not None and pinned not in served:
        yield fail(
            PART,
            settings.serving,
            f"version {pinned} is pinned, loaded: {listed}",
            "load it, or set TALLYWIRE_MODEL_VERSION to one that is loaded",
        )
    elif pinned is None:
        yield warn(
            PART,
            settings.serving,
            f"{settings.model}, versions {listed}; none is pinned",
            "on the night set TALLYWIRE_MODEL_VERSION, so that a new export changes nothing",
        )
    else:
        yield ok(PART, settings.serving, f"{settings.model} version {pinned}, pinned")


def judge_signatures(signatures: Mapping[str, Signature]) -> Iterator[Finding]:
    """Does the model take and give what the worker sends and reads?"""
    default = signatures.get("serving_default", Signature({}, {}))
    given = default.inputs.get("cells"), default.outputs.get("probabilities")
    if given[0] in (CELLS, PATCHES) and given[1] == PROBABILITIES:
        sides = list(default.inputs["cells"][1][1:])
        text = f"cells uint8 [N, {', '.join(map(str, sides))}] -> probabilities float32 [N, 11]"
        yield ok(PART, "signature", text)
    else:
        yield fail(
            PART,
            "signature",
            f"cells -> probabilities is {given}",
            f"expected {CELLS} or {PATCHES}, and {PROBABILITIES}:"
            " train with this version of tallywire",
        )
    if "policy" not in signatures:
        yield fail(PART, "policy", "no signature `policy`", "tallywire train writes it")
