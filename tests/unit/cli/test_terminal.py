"""What a person sees: the verbs at 80 and at 200 columns, with and without a terminal, with and without colours."""

from __future__ import annotations

import json
import re
import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from mobileops.cli import layout
from mobileops.cli.main import main
from mobileops.runtime.home import Home
from mobileops.runtime.store import Store
from tests.fakes.daemon_thread import serving
from tests.fakes.screen import on_screen
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = "plugin-for-the-temperature-sensors-of-the-department"
WORDS = (
    "Says again what it was told, in as many words as it takes to fill a line of a terminal and then some more of it"
)
ADDRESS = "https://a-very-long-host-name.of-a-department.example.com:8443/some/long/path"

COMMANDS = {
    "--help": "mobileops VERB --help",
    "list": "stopped",
    "start echo": "echo 1.0.0 is running",
    "status": "running",
    "status echo": "state: running",
    "status --detailed": "state: running",
    "monitor --once --interval 0.1": "running",
    "config echo": "a_setting",
    "config echo --set n=50": "[MOP5403]",
    "permissions show echo": "RISK",
    "permissions explain echo": "cannot",
    "permissions audit echo": "granted",
    "trust show": "PINNED SIGNER",
    "keys generate release --no-passphrase": "release",
    "keys list": "PRIVATE",
    "publish dist/echo-1.0.0.zip": "published",
    "list --available": "DESCRIPTION",
    "search words": "PUBLISHER",
    "info echo": "EVIDENCE",
    "inspect dist/echo-1.0.0.zip": "MEMBER",
    "verify --explain dist/echo-1.0.0.zip": "trusted",
    "validate echo": "warning",
    "explain MOP1009": "fix:",
    "explain network.http": "enforced by",
    "doctor": "WORKS",
    "create-template new nothing --no-input": "[MOP7101]",
    "stop echo": "is stopped",
}
"""Command line -> words that it must show, whatever the terminal is."""

SOURCE = re.compile(r" +[0-9]* \| ")
"""A line of somebody's source, which is shown as it is."""

PATHS = {"publish dist/echo-1.0.0.zip"}
"""What prints a path in a line of data, which is left whole so that it can be copied."""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home in which three plugins are installed, one with a long name."""
    folder = tmp_path_factory.mktemp("t")
    home = Home(folder / "home").prepare()
    publisher = Publisher(home, folder)
    settings = {"a_setting_with_a_long_name_that_is_long": ADDRESS, "n": 5}
    schema = {"n": {"type": "integer", "minimum": 1, "maximum": 10}}
    permissions = ["network.http:api.example.com", "filesystem.read:/srv/data/of/the/department"]
    for name, wanted in (("echo", permissions), ("parrot", []), (LONG, [])):
        bundle = publisher.publish(
            name, description=WORDS, permissions=wanted, configuration=settings, configuration_schema=schema
        )
        Store(home).install(bundle, verify=publisher.decision())
    return folder


@contextmanager
def manager(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MOBILEOPS_HOME", str(workshop / "home"))
    monkeypatch.chdir(workshop)
    with serving(Home(workshop / "home"), monkeypatch):
        yield
    for key in (workshop / "home" / "keys").glob("release.*"):
        key.unlink()


@pytest.mark.parametrize(("columns", "colours"), [(80, True), (200, False)])
def test_every_report_fits_a_terminal_and_says_its_states_in_words(
    workshop: Path, monkeypatch: pytest.MonkeyPatch, columns: int, colours: bool
) -> None:
    if not colours:
        monkeypatch.setenv("NO_COLOR", "1")
    with manager(workshop, monkeypatch):
        for line, words in COMMANDS.items():
            with on_screen(columns, monkeypatch) as shown:
                main(shlex.split(line))
            (text,) = shown
            assert words in " ".join(text.split()), line
            wide = [one for one in text.split("\n") if len(one) > columns and not SOURCE.match(one)]
            assert wide == [] or line in PATHS, (line, wide)
            assert "\x1b" not in text, line


def test_nothing_acts_on_a_terminal_that_is_none(
    workshop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with manager(workshop, monkeypatch):
        for line, words in COMMANDS.items():
            main(shlex.split(line))
            out, err = capsys.readouterr()
            assert words in " ".join((out + err).split()), line
            assert "\x1b" not in out + err, line
        main(["list"])
        rows = capsys.readouterr().out.splitlines()
        assert rows[-1].split() == [LONG, "1.0.0", "stopped", "service", "author@localhost", "local"]
        main(["list", "--json"])
        assert json.loads(capsys.readouterr().out)[-1]["name"] == LONG


def test_a_table_that_does_not_fit_breaks_its_widest_cells_and_loses_nothing() -> None:
    lines = [["NAME", "SINCE", "WHAT"], [LONG, "2026-11-23T00:40:45.742Z", WORDS]]
    text = layout.table(lines, 80)
    rows = text.splitlines()
    assert max(map(len, rows)) <= 80
    assert "2026-11-23T00:40:45.742Z" in text  # a time is broken last
    start, end = rows[0].index("SINCE"), rows[0].index("WHAT")
    assert "".join(row[:start].strip() for row in rows[1:]) == LONG
    assert " ".join(row[end:].strip() for row in rows[1:]) == WORDS


def test_a_cell_is_not_broken_behind_the_slash_that_begins_it() -> None:
    assert layout.broken("/yUd1kFwg0Z1RroHmgrAj1=", 20, hard=True) == ["/yUd1kFwg0Z1RroHmgrA", "j1="]
    assert layout.broken("/srv/data/of/the", 9, hard=True) == ["/srv/", "data/of/", "the"]


def test_a_table_that_fits_or_has_no_terminal_is_left_alone() -> None:
    lines = [["A", "B"], ["x" * 90, "y"]]
    assert layout.table(lines, None) == f"A{'':91}B\n{'x' * 90}  y\n"
    assert layout.table(lines, 200) == layout.table(lines, None)
    assert layout.table([["ONE", "TWO"] * 9, ["word"] * 18], 40) == layout.table(
        [["ONE", "TWO"] * 9, ["word"] * 18], None
    )


def test_a_word_without_a_place_to_break_is_cut_only_in_a_table() -> None:
    digest = "0123456789abcdef" * 8
    assert max(map(len, layout.table([["NAME", "SHA256"], ["echo", digest]], 80).splitlines())) <= 80
    assert layout.broken(f"sha256 is {digest}", 40) == ["sha256 is", digest]


@pytest.mark.parametrize(
    ("text", "indent"), [("word " * 30, "  "), ("  why: " + "word " * 30, " " * 7), ("    " + "word " * 30, " " * 6)]
)
def test_a_paragraph_goes_on_below_itself(text: str, indent: str) -> None:
    first, *rest = layout.paragraph(text.rstrip(), 60).split("\n")
    assert len(first) <= 60
    assert rest
    assert all(line.startswith(f"{indent}word") for line in rest)
    assert layout.paragraph(text, None) == text


@pytest.mark.parametrize(("told", "columns"), [("57", 57), ("0", 80), ("wide", 80)])
def test_the_width_is_that_of_the_terminal(told: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    import io  # noqa: PLC0415

    stream = io.StringIO()
    assert layout.width(stream) is None
    stream.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setenv("COLUMNS", told)
    assert layout.width(stream) == columns
