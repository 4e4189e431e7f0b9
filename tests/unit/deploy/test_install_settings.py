"""What the set-up concludes from this machine: its Python, its Redis, its index."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from deploy import install

LOCK = "redis==8.1.0 \\\nredislite==6.2.912183 ; python_full_version < '3.13' \\\n"


@pytest.mark.parametrize("version", [(3, 10), (3, 14)])
def test_another_python_is_refused_with_the_remedy(version: tuple[int, int]) -> None:
    with pytest.raises(
        install.SetupError, match=r"needs Python 3\.11 to 3\.13.*PYTHON=python3\.12"
    ):
        install.check_python(version)


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_every_supported_python_is_taken(version: tuple[int, int]) -> None:
    install.check_python(version)


def test_what_313_needs_besides_is_said_with_the_remedy() -> None:
    with pytest.raises(install.SetupError, match=r"apt install redis-server.*PYTHON=python3\.12"):
        install.check_redis((3, 13), LOCK, None)


@pytest.mark.parametrize(
    ("version", "lock", "server"),
    [
        ((3, 12), LOCK, None),
        ((3, 13), LOCK, "/usr/bin/redis-server"),
        ((3, 13), "redis==8.1.0 \\\n", None),  # the images' locks bring no server at all
    ],
)
def test_a_redis_is_asked_for_only_where_none_comes_along(
    version: tuple[int, int], lock: str, server: str | None
) -> None:
    install.check_redis(version, lock, server)


def test_uv_looks_where_pip_looks() -> None:
    told = install.uv_environment(
        {"PATH": "/bin"},
        {
            "index-url": "https://mirror.example/simple",
            "extra-index-url": "\nhttps://a.example/simple\nhttps://b.example/simple",
            "cert": "/etc/ssl/own.pem",
        },
    )
    assert told == {
        "PATH": "/bin",
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INDEX": "https://a.example/simple https://b.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "SSL_CERT_FILE": "/etc/ssl/own.pem",
    }


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX_URL"])
def test_what_uv_was_told_itself_stands(variable: str) -> None:
    own = {variable: "https://own.example/simple"}
    assert install.uv_environment(own, {"index-url": "https://mirror.example/simple"}) == own


def test_a_folder_of_wheels_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    value = f"{tmp_path} /no/such/folder https://links.example/"
    told = install.uv_environment({}, {"find-links": value})
    assert told == {"UV_FIND_LINKS": f"{tmp_path},https://links.example/"}
    assert install.uv_environment({}, {"find-links": "/no/such/folder"}) == {}


def test_pips_own_order_decides_between_its_settings(tmp_path: Path) -> None:
    says = (
        "global.index-url='https://global.example/'\n:env:.index-url='https://env.example/'\n"
        "install.index-url='https://install.example/'\nglobal.extra-index-url='\\nhttps://a/\\nb'\n"
        "global.cert='/global.pem'\ninstall.cert='/install.pem'\nfreeze.timeout='3'\n"
        "global.break-system-packages='true'"
    )
    python = tmp_path / "python"  # stands for an environment's: whatever it is asked, it says this
    python.write_text(f"#!{sys.executable}\nprint({says!r})\n")
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    assert install.pip_settings(python) == {
        "index-url": "https://env.example/",
        "extra-index-url": "\nhttps://a/\nb",
        "cert": "/install.pem",
    }


def test_only_what_is_missing_for_true_is_complained_about() -> None:
    renamed = "tensorflow-serving-api 2.21.0 requires tensorflow, which is not installed."
    missing = "pytest 9.2.0 requires pluggy, which is not installed."
    wrong = "tensorflow-cpu 2.21.0 has requirement h5py<3.15.0, but you have h5py 3.15.0."
    lines = [renamed, missing, wrong]
    assert list(install.complaints(lines, {"tensorflow-cpu"})) == [missing, wrong]
    assert list(install.complaints(lines, set())) == lines
