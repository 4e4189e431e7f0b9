"""The wheel's packages: those of services/, and two folders of the repository's top level.

All else stands in pyproject.toml, which has no way to add folders to packages that are found. The
two are installed inside `tallywire.shipped`: a top-level package called `dashboard` would be in
everybody's way.
"""

from setuptools import find_packages, setup

BESIDE = {
    "tallywire.shipped.dashboard": "dashboard",
    "tallywire.shipped.model_repo": "model_repo",
}

setup(
    packages=[*find_packages("services"), *BESIDE],
    package_dir={"": "services", **BESIDE},
)
