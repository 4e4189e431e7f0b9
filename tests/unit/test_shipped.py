"""Where models and pages are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallywire import shipped
from tallywire.errors import UsageError
from tallywire.settings import Settings

ROOT = Path(__file__).parents[2]


def test_a_checkout_has_them_at_its_top_level() -> None:
    assert shipped.dashboard_folder() == ROOT / "dashboard"
    assert shipped.model_folder() == ROOT / "model_repo"


def test_ones_own_models_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings().model_repo == ROOT / "model_repo"
    (tmp_path / "model_repo").mkdir()
    assert Settings().model_repo == Path("model_repo")


def test_nothing_is_trained_into_an_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped.require_own_folder(Path("model_repo"))
    shipped.require_own_folder(ROOT / "model_repo")
    installed = tmp_path / "tallywire" / "shipped"
    (installed / "model_repo").mkdir(parents=True)
    monkeypatch.setattr(shipped, "__file__", str(installed / "__init__.py"))
    with pytest.raises(UsageError, match="--model-repo"):
        shipped.require_own_folder(installed / "model_repo")
