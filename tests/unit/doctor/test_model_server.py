"""A model server's versions and signatures, judged."""

from __future__ import annotations

from tallywire.doctor.model_server import CELLS, PROBABILITIES, judge_signatures, judge_versions
from tallywire.edge.serving import Signature, VersionState, VersionStatus
from tallywire.settings import Settings
from tests.support.findings import levels

GOOD = Signature({"cells": CELLS}, {"probabilities": PROBABILITIES})


def test_no_model_version_is_a_failure_and_an_unpinned_one_a_warning() -> None:
    served = (
        VersionStatus(2, VersionState.AVAILABLE, ""),
        VersionStatus(1, VersionState.AVAILABLE, ""),
    )
    assert levels(judge_versions((), Settings())) == ["fail"]
    assert levels(judge_versions(served, Settings())) == ["warn"]
    assert levels(judge_versions(served, Settings(model_version=1))) == ["ok"]
    assert levels(judge_versions(served, Settings(model_version=3))) == ["fail"]


def test_a_version_that_did_not_load_is_told() -> None:
    broken = (
        VersionStatus(2, VersionState.END, "no weights"),
        VersionStatus(1, VersionState.AVAILABLE, ""),
    )
    findings = list(judge_versions(broken, Settings(model_version=1)))
    assert (findings[0].level, findings[0].found) == ("warn", "no weights")


def test_signatures_are_the_workers() -> None:
    assert levels(judge_signatures({"serving_default": GOOD, "policy": GOOD})) == ["ok"]
    assert levels(judge_signatures({"serving_default": GOOD})) == ["ok", "fail"]
    odd = Signature({"cells": (1, (-1, 28, 28))}, {"probabilities": PROBABILITIES})
    assert levels(judge_signatures({"serving_default": odd, "policy": GOOD})) == ["fail"]
    assert levels(judge_signatures({})) == ["fail", "fail"]
