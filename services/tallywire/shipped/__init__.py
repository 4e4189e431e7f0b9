"""What belongs to Tallywire beside its code: the dashboard's pages, and the digit models.

In a checkout they stand at its top level, where one looks for them; a wheel carries them in this
package (setup.py), so that `tallywire_*.whl` alone is enough.
"""

from __future__ import annotations

from pathlib import Path

from tallywire.errors import UsageError

MODEL_REPO = "model_repo"


def dashboard_folder() -> Path:
    """The folder with the dashboard's app.py."""
    return _folder("dashboard")


def model_folder() -> Path:
    """The models that come with Tallywire, in TensorFlow Serving's layout."""
    return _folder(MODEL_REPO)


def default_model_folder() -> Path:
    """`model_repo` in the working directory where there is one, else what comes with Tallywire."""
    here = Path(MODEL_REPO)
    return here if here.is_dir() else model_folder()


def certified_version(model: Path) -> int | None:
    """The newest version of a model whose promise about accepted sheets was tested; None without.

    `tallywire evaluate --choose` leaves the certificate in the version's folder.
    """
    tested = (path.parent.name for path in model.glob("*/certificate.json"))
    return max((int(name) for name in tested if name.isdecimal()), default=None)


def require_own_folder(model_repo: Path) -> None:
    """Raise UsageError where a new version would be written among an installation's own files."""
    if model_repo == model_folder() and not model_repo.parent.joinpath("pyproject.toml").is_file():
        raise UsageError(
            f"The models in {model_repo} belong to the installed package: copy that folder to"
            f" ./{MODEL_REPO}, or name another with --model-repo"
        )


def _folder(name: str) -> Path:
    within = Path(__file__).parent
    installed = within / name
    return installed if installed.is_dir() else within.parents[2] / name
