"""The command tree: what there is, loaded when it is asked for; outputs are looked at first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tallywire import cli
from tallywire.cli.main import COMMANDS, build, load_command
from tallywire.errors import UsageError

HEAVY = {"numpy", "cv2", "pydantic", "redis", "kafka", "grpc", "structlog", "tensorflow"}
NO_COMMANDS = {"__init__", "main", "options"}

# What each command that takes --json needs besides.
NEEDED = {
    "bench": [], "demo": [], "diff": ["g1"], "doctor": [], "evaluate": [],
    "export": ["--out", "exported"], "faults": [], "generations": [], "promote": ["g2"],
    "publish": ["S1__1.jpg"], "read": ["S1__1.jpg"], "rejected": [], "replay": ["--to", "g2"],
    "report": [], "review": [], "rollback": [], "settings": [], "verify": [],
}  # fmt: skip


def tallywire(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tallywire", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False, cwd=folder,
    )  # fmt: skip


def takes_json(name: str) -> bool:
    return any("--json" in option.opts for option in load_command(name).params)


def test_every_file_is_a_command_and_every_command_a_file() -> None:
    files = {path.stem for path in Path(cli.__path__[0]).glob("*.py")} - NO_COMMANDS
    assert files == {name.replace("-", "_") for name in COMMANDS}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_begins_with_a_sentence(name: str) -> None:
    command = load_command(name)
    assert command.name == name
    assert (command.help or "").split("\n\n")[0].endswith(".")


def test_the_whole_help_lists_every_command_and_imports_none() -> None:
    script = (
        "import sys; from typer.testing import CliRunner; from tallywire.cli.main import build;"
        "print(CliRunner().invoke(build(), ['--help']).output);"
        "print('IMPORTED', *{name.split('.')[0] for name in sys.modules},"
        " *(name for name in sys.modules if name.startswith('tallywire.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    help_text, _, imported = done.stdout.partition("IMPORTED")
    assert all(f" {name} " in help_text for name in COMMANDS)
    assert not HEAVY & set(imported.split())
    assert "tallywire.cli.demo" not in imported.split()


def test_an_unknown_command_is_told_with_the_nearest(tmp_path: Path) -> None:
    done = tallywire("promot", "g2", folder=tmp_path)
    assert done.returncode == 2
    assert "Did you mean 'promote'?" in done.stderr


def test_the_version_is_told(tmp_path: Path) -> None:
    done = tallywire("--version", folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("tallywire ")


def test_the_table_below_names_every_command_with_json() -> None:
    assert {name for name in COMMANDS if takes_json(name)} == NEEDED.keys()


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("path", ["no-such-folder/out.json", "folder", "file/out.json"])
def test_an_unwritable_json_file_is_told_before_anything_is_done(
    name: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    before = set(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(build(), [name, *NEEDED[name], "--json", path])
    assert isinstance(result.exception, UsageError), result.output
    assert str(result.exception).startswith(f"--json {path}: ")
    assert result.output == ""
    assert set(tmp_path.rglob("*")) == before


def test_so_the_process_ends_with_2_and_no_traceback(tmp_path: Path) -> None:
    done = tallywire("rollback", "--json", tmp_path, folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "it is a folder" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["doctor", "--redis", "x"], "--redis: 'x' - a URL such as redis://"),
        (["publish", "1.jpg", "--kafka", "garbage:99999"], "'99999' of 'garbage:99999'"),
        (["worker", "--serving", "nowhere"], "--serving: 'nowhere' - host:port"),
        (["promote", "nonsense"], "GENERATION: 'nonsense' - g and a number"),
        (["replay", "--to", "second"], "--to: 'second' - g and a number"),
        (["publish", "1.jpg", "--dry-run", "--journal", "1.jpg"], "this file holds no receipts"),
        (["publish", "no.jpg"], "no.jpg: no such file or folder"),
        (["read", "no.jpg"], "no.jpg"),
        (["read", "1.jpg", "--overlay", "x.nonsense"], "not an image format"),
        (["read", "1.jpg", "--overlay", "1.jpg/x.png"], "--overlay 1.jpg/x.png"),
        (["render", "--out", "1.jpg/out"], "--out 1.jpg/out"),
        (["render", "--out", "out", "--election", "1.jpg"], "1.jpg"),
        (["export", "--out", "1.jpg"], "--out 1.jpg"),
        (["report", "--out", "1.jpg/report.html"], "1.jpg can be no folder"),
        (["report", "--contest", "[/red]"], "--contest [/red]"),
        (["rejected", "--export", "1.jpg/x"], "--export 1.jpg/x"),
        (["rejected", "--reason", "[bold]"], "--reason [bold]: choose one of"),
        (["replay", "--to", "g2", "--logs", "1.jpg"], "--logs 1.jpg"),
        (["review", "--history", "S1", "--from-folder", "nowhere"], "nowhere"),
        (["verify", "--from-folder", "nowhere"], "nowhere"),
        (["train", "--version", "9", "--model-repo", "1.jpg"], "--model-repo 1.jpg"),
        (["dashboard", "--election", "[/red]", "--port", "0"], "--dashboard-port: 0"),
    ],
)
def test_what_a_person_typed_wrongly_is_told_in_words(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "1.jpg").write_bytes(b"\xff\xd8\xff no journal")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(build(), arguments)
    assert isinstance(result.exception, UsageError), (result.output, result.exception)
    assert said in str(result.exception)
    assert (tmp_path / "1.jpg").read_bytes() == b"\xff\xd8\xff no journal"
