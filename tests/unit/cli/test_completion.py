"""Completion: what is offered where, and that bash, zsh and fish offer it; the manual page, beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import mobileops.cli
from mobileops.cli import completing, description, generate, manual
from mobileops.cli.commands.completion import FILES
from mobileops.cli.main import main
from mobileops.cli.verbs import VERBS
from mobileops.runtime.home import Home
from mobileops.runtime.store import Store
from mobileops.toolchain.pipeline import building
from mobileops.toolchain.sign import LocalInstance, LocalSigner, sign_bundle
from tests.fakes.plugin_folder import write_plugin
from tests.fakes.signed_bundle import Publisher
from tests.fakes.sized_terminal import PATIENCE_S, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.conftest import Run

COMPLETIONS = Path(mobileops.cli.__file__).parent / "completions"
SHOW = "\x18r"
"""Control-X r: has the shell write the line that is being edited into a file, and forget it."""
SET_UP = {
    "bash": r"""
        bind 'set enable-bracketed-paste off'
        show() { printf '%s' "$READLINE_LINE" > "$RESULT.new"; mv "$RESULT.new" "$RESULT"; READLINE_LINE=; }
        bind -x '"\C-xr": show'
        source <(mobileops completion bash)
    """,
    "zsh": r"""
        autoload -Uz compinit; compinit -u -D
        show() { print -rn -- "$BUFFER" > "$RESULT.new"; mv "$RESULT.new" "$RESULT"; BUFFER= }
        zle -N show; bindkey '^Xr' show
        source <(mobileops completion zsh)
    """,
}
TYPED = {
    "mobileops stat": "mobileops status ",
    "mobileops trust rev": "mobileops trust revoke ",
    "mobileops validate --form": "mobileops validate --format ",
    "mobileops logs --level WA": "mobileops logs --level WARNING ",
    "mobileops logs --level=WA": "mobileops logs --level=WARNING ",
    "mobileops start ec": "mobileops start echo ",
    "mobileops call echo fa": "mobileops call echo fail ",
    "mobileops config echo --set gree": "mobileops config echo --set greeting=",
    "mobileops create-template new serv": "mobileops create-template new service ",
    "mobileops inspect a-fi": "mobileops inspect a-file.zip ",
    "mobileops no-such-verb ": "mobileops no-such-verb ",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home where echo is installed, in a folder with a plugin's source and a file."""
    folder = tmp_path_factory.mktemp("completion")
    home = Home(folder / "home").prepare()
    publisher = Publisher(home, folder / "made")
    greeting = {"type": "string", "description": "what it says"}
    source = write_plugin(
        folder / "made" / "echo",
        configuration={"greeting": "hello"},
        configuration_schema={"greeting": greeting, "key": {"type": "string", "secret": True}},
    )
    bundle = building.build(source, folder / "made").path
    sign_bundle(bundle, signer=LocalSigner(LocalInstance.open_or_create(home.sigstore), "author@localhost"))
    Store(home).install(bundle, verify=publisher.decision())
    (folder / "here").mkdir()
    (folder / "here" / "a-file.zip").touch()
    write_plugin(folder / "here" / "my-source")
    (folder / "here" / "no-plugin").mkdir()
    return home.root


@pytest.fixture(scope="module")
def environment(home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """That of a person who has never configured a shell."""
    programs = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    own = tmp_path_factory.mktemp("person")
    return {"PATH": programs, "HOME": str(own), "MOBILEOPS_HOME": str(home), "TERM": "dumb", "LANG": "C.UTF-8"}


def offered(home: Path, *words: str) -> list[str]:
    return [value for value, _text in completing.offers(words, str(home))]


def until(condition: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        meanwhile()
        time.sleep(0.05)


def taken(path: Path) -> str:
    """Return a file's text once it is there, and remove it."""
    until(path.exists)
    text = path.read_text()
    path.unlink()
    return text


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_a_shell_completes_what_is_typed(shell: str, home: Path, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "setup").write_text(SET_UP[shell])
    result = tmp_path / "line"
    command = {"bash": ["bash", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"]}[shell]
    found = {}
    with Terminal(command, environment={**environment, "RESULT": str(result)}, cwd=home.parent / "here") as terminal:
        terminal.type(f". {tmp_path}/setup\n")
        until(result.exists, lambda: terminal.type(SHOW))  # the shell edits lines from now on
        for typed in TYPED:
            terminal.type(f"{typed}\t{SHOW}")
            while not (line := taken(result)):  # empty: one of those before
                pass
            found[typed] = line
    assert found == TYPED


def test_fish_offers_what_may_follow(home: Path, environment: dict[str, str]) -> None:
    lines = "\n".join(f"echo '?{typed}'; complete -C '{typed}'" for typed in TYPED)
    script = f"mobileops completion fish | source\n{lines}\n"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script],
        env=environment,
        cwd=home.parent / "here",
        capture_output=True,
        text=True,
        check=True,
    )
    found = {}
    for block in done.stdout.split("?")[1:]:
        typed, *lines = block.splitlines()
        before = typed.rpartition(" ")[0]
        found[typed] = [f"{before} {line.partition(chr(9))[0]}" for line in lines]
    expected = {typed: [line.rstrip()] if line != typed else [] for typed, line in TYPED.items()}
    assert found == expected
    assert "show the state of one plugin" in done.stdout


@pytest.mark.parametrize("shell", FILES)
def test_the_verb_prints_what_ships_and_the_shell_reads_it(shell: str, mobileops: Run) -> None:
    code, out, _err = mobileops("completion", shell)
    assert (code, out) == (0, (COMPLETIONS / FILES[shell]).read_text())
    subprocess.run([shell, "-n", str(COMPLETIONS / FILES[shell])], check=True)


def test_nothing_heavy_is_imported_for_a_tab(home: Path) -> None:
    code = (
        "import sys; from mobileops.cli.main import main\n"
        "main(['completion', '--query', 'bash', 'config', 'echo', '--set', ''])\n"
        "print(*(name for name in ('argparse', 'msgspec', 'typing', 'pathlib', 're', 'mobileops.cli.parser')"
        " if name in sys.modules))"
    )
    environment = {"MOBILEOPS_HOME": str(home), "PATH": os.defpath}  # without what coverage needs, too
    words = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    offer, imported = done.stdout.splitlines()
    assert offer.startswith("greeting=")
    assert set(imported.split()) <= {"re"}  # json needs it


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["star"], ["start"]),
        (["help", "star"], ["start"]),
        (["--"], ["--help", "--version"]),
        (["start", ""], ["echo"]),
        (["start", "--enable", "e"], ["echo"]),
        (["status", "--wait", "run"], ["running"]),
        (["status", "--wait", "running", "e"], ["echo"]),
        (["status", "--wait=run"], ["--wait=running"]),
        (["status", "--no-such=run"], []),
        (["upgrade", "echo", "e"], ["echo"]),
        (["start", "echo", ""], []),
        (["repo", "add", "--on"], ["--only"]),
        (["repo", "no-such-action", ""], []),
        (["trust", "add", "k"], ["key"]),
        (["config", "echo", "--unset", ""], ["greeting"]),
        (["config", "echo", "--secret", ""], ["key"]),
        (["config", "no-such-plugin", "--set", ""], []),
        (["config", "../../etc", "--set", ""], []),
        (["config", "--set", ""], []),
        (["call", "echo", ""], ["echo", "fail"]),
        (["validate", "my"], ["my-source", ":folders"]),
        (["permissions", "show", ""], ["echo", "my-source", ":folders"]),
        (["package", "--out", ""], [":files"]),
        (["package", "--out="], []),
        (["monitor", "--interval", "1"], []),
    ],
)
def test_what_is_offered(home: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], values: list[str]) -> None:
    monkeypatch.chdir(home.parent / "here")
    assert offered(home, *words) == values


def test_every_verb_is_offered(home: Path) -> None:
    assert {*offered(home, "")} == {"help", *(verb.name for verb in VERBS)}


def test_bash_is_told_only_what_is_behind_its_own_word(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "--query", "bash", "logs", "--level", "=", "WA"]) == 0
    assert capsys.readouterr().out == "WARNING\n"
    assert completing.joined(["--set", "a", "=", "b", "c"]) == ["--set", "a=b", "c"]


def test_attack_a_folder_whose_name_is_a_command_is_not_put_on_the_command_line(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("$(reboot)", "a b", "-rf", "x;y", "new\nline", "plain"):
        write_plugin(tmp_path / name)
    assert offered(home, "validate", "") == ["plain", ":folders"]


def test_a_home_that_cannot_be_read_offers_nothing(tmp_path: Path) -> None:
    assert offered(tmp_path / "nowhere", "start", "") == []


def test_generated_files_are_what_the_verbs_are(capsys: pytest.CaptureFixture[str]) -> None:
    commands = description.commands()
    stale = f"stale: run {generate.COMMAND}"
    assert generate.TABLE.read_text() == generate.table(commands), stale


def test_a_stale_file_is_found_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "TABLE", tmp_path / "table.py")
    monkeypatch.setattr(generate, "PAGE", tmp_path / "man" / "page.1")
    assert generate.main(["--check"]) == 1
    assert "page.1 is stale" in capsys.readouterr().err
    assert generate.main(["--write"]) == 0
    assert generate.main(["--check"]) == 0


def test_the_manual_page_says_everything_and_both_formatters_take_it(tmp_path: Path) -> None:
    page = tmp_path / "mobileops.1"
    page.write_text(manual.page(description.commands()))
    for words in (["groff", "-man", "-ww", "-z", "-Tutf8", str(page)], ["mandoc", "-Tlint", str(page)]):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
    shown = subprocess.run(
        ["mandoc", "-Tascii", "-Owidth=78", str(page)], capture_output=True, text=True, check=True
    ).stdout
    text = "".join(shown[at] for at in range(len(shown)) if "\b" not in shown[at : at + 2])  # it prints bold twice
    words = " ".join(text.split())
    for verb in VERBS:
        assert f"mobileops {verb.name}" in words
        assert " ".join(verb.summary[1:].split()) in words
    assert "MOBILEOPS_HOME" in words
    page.write_text(".TH X\n.XX\n.SH\n")  # the control: both do complain
    assert subprocess.run(["mandoc", "-Tlint", str(page)], capture_output=True, check=False).stdout != b""
    assert subprocess.run(["groff", "-man", "-ww", "-z", str(page)], capture_output=True, check=False).stderr != b""


def test_a_text_that_looks_like_a_request_is_a_text() -> None:
    assert manual._text(".so /etc/passwd 'x \\e") == r"\&.so /etc/passwd \(aqx \ee"


@pytest.mark.parametrize("program", ["bash", "zsh", "fish", "mandoc", "groff", "setsid"])
def test_what_these_tests_drive_is_installed(program: str) -> None:
    assert shutil.which(program), f"apt-get install {program}; .ci/run does"
