"""``mobileops validate``: formats, exit codes, and --fix."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mobileops.cli.commands import validate
from mobileops.toolchain.diagnostics import formats
from tests.fakes.plugin_folder import write_plugin

if TYPE_CHECKING:
    from pathlib import Path

Run = Callable[..., tuple[int, str, str]]


def test_a_finding_has_place_excerpt_and_remedy(mobileops: Run, tmp_path: Path) -> None:
    write_plugin(tmp_path / "echo", version="1.0")
    code, out, err = mobileops("validate", "echo")
    first, source, carets, *rest = out.splitlines()
    assert code == 1
    assert first.startswith("echo/plugin.json:3:14: error: Write a version")
    assert carets.index("^") == source.index('"1.0"')
    assert rest == ["  why: found '1.0'", "  fix: write '1.0.0'"]
    assert err == "echo: 1 error, 0 warnings\n"


def test_inside_the_folder_places_are_relative_to_it(
    mobileops: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_plugin(tmp_path / "echo", version="1.0"))
    assert mobileops("validate")[1].startswith("plugin.json:3:14: ")


def test_from_elsewhere_places_are_absolute(mobileops: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = write_plugin(tmp_path / "echo", version="1.0")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert mobileops("validate", str(plugin))[1].startswith(f"{plugin.resolve()}/plugin.json:3:14: ")


def test_a_warning_does_not_fail(mobileops: Run, tmp_path: Path) -> None:
    write_plugin(tmp_path / "echo", permissions=["network"])
    code, out, _ = mobileops("validate", "echo")
    assert (code, ": warning: " in out) == (0, True)


@pytest.mark.parametrize(
    ("form", "start"),
    [("json", "["), ("sarif", "{"), ("junit", "<?xml"), ("github", "::error file=echo/plugin.json,line=3,col=14,")],
)
def test_a_program_reads_its_format_and_the_same_exit_code(
    mobileops: Run, tmp_path: Path, form: str, start: str
) -> None:
    write_plugin(tmp_path / "echo", version="1.0")
    code, out, err = mobileops("validate", "echo", "--format", form)
    assert (code, out.startswith(start), err) == (1, True, "")


@pytest.mark.parametrize(("form", "empty"), [("json", "[]\n"), ("github", ""), ("text", "")])
def test_a_good_plugin_has_an_empty_report(mobileops: Run, tmp_path: Path, form: str, empty: str) -> None:
    write_plugin(tmp_path / "echo")
    assert mobileops("validate", "echo", "--format", form)[:2] == (0, empty)


def test_json_is_a_format_of_its_own_option(mobileops: Run, tmp_path: Path) -> None:
    write_plugin(tmp_path / "echo", version="1.0")
    assert mobileops("validate", "echo", "--json") == mobileops("validate", "echo", "--format", "json")


def test_an_unknown_format_is_a_usage_mistake(mobileops: Run) -> None:
    assert mobileops("validate", "--format", "xml")[0] == 2


def test_the_option_offers_every_format() -> None:
    assert validate.FORMATS == formats.NAMES


def test_fix_corrects_shows_the_diff_and_is_done_once(mobileops: Run, tmp_path: Path) -> None:
    path = write_plugin(tmp_path / "echo") / "plugin.json"
    path.write_text(path.read_text().replace('"version"', '"versoin"') + "// end\n")
    code, out, err = mobileops("validate", "echo", "--fix")
    assert (code, '-  "versoin": "1.0.0",' in out, "// end" in path.read_text()) == (0, True, False)
    assert err == "echo: plugin.json corrected\necho: valid\n"
    assert mobileops("validate", "echo", "--fix") == (0, "", "echo: nothing has one safe correction\necho: valid\n")


def test_fix_leaves_the_report_of_a_program_clean(mobileops: Run, tmp_path: Path) -> None:
    path = write_plugin(tmp_path / "echo") / "plugin.json"
    path.write_text(path.read_text() + "// end\n")
    code, out, err = mobileops("validate", "echo", "--fix", "--json")
    assert (code, json.loads(out), "// end" in err) == (0, [], True)


def test_the_file_of_a_manifest_is_checked_by_itself(mobileops: Run, tmp_path: Path) -> None:
    plugin = write_plugin(tmp_path / "echo")
    (plugin / "main.py").unlink()
    assert mobileops("validate", "echo")[0] == 1
    assert mobileops("validate", "echo/plugin.json") == (0, "", "plugin.json: valid\n")
    assert mobileops("validate", "echo/plugin.json", "--json") == (0, "[]\n", "")


def test_a_bad_file_is_explained_whatever_its_name_is(mobileops: Run, tmp_path: Path) -> None:
    plugin = write_plugin(tmp_path / "echo", version="1")
    (plugin / "plugin.json").rename(plugin / "other.json")
    code, out, err = mobileops("validate", "echo/other.json")
    assert (code, err) == (1, "other.json: 1 error, 0 warnings\n")
    assert "other.json:3:14: error: Write a version with three numbers" in out
    (plugin / "mine.yaml").write_text("name: 1_0\n")
    assert "mine.yaml:1:7: error:" in mobileops("validate", "echo/mine.yaml")[1]


def test_a_file_is_corrected_by_itself(mobileops: Run, tmp_path: Path) -> None:
    path = write_plugin(tmp_path / "echo") / "plugin.json"
    path.write_text(path.read_text().replace('"version"', '"versoin"'))
    assert mobileops("validate", "echo/plugin.json", "--fix")[0] == 0
    assert '"version"' in path.read_text()


def test_the_projects_rules_hold_for_a_file_too(mobileops: Run, tmp_path: Path) -> None:
    plugin = write_plugin(tmp_path / "echo")
    (plugin / ".mobileops.toml").write_text("nonsense")
    assert mobileops("validate", "echo/plugin.json")[0] == 1


BAD = {
    "a byte too many": b" " * ((1 << 20) + 1),
    "100,000 keys": b"{" + b",".join(b'"k%d":0' % number for number in range(70_000)) + b"}",
    "depth": b"[" * 500_000,
    "invalid UTF-8": b'{"name": "\xff"}',
    "a lone surrogate": b'{"name": "\\ud800"}',
    "a huge number": b'{"x-a": ' + b"9" * 100_000 + b"}",
    "an exponent beyond doubles": b'{"x-a": 1e999999999}',
    "nothing": b"",
}


@pytest.mark.parametrize(
    ("kind", "form"),
    [*((kind, "text") for kind in BAD), *(("a lone surrogate", form) for form in validate.FORMATS[1:])],
)
def test_bad_input_is_a_finding_for_people_and_programs(mobileops: Run, tmp_path: Path, kind: str, form: str) -> None:
    (tmp_path / "echo").mkdir()
    (tmp_path / "echo" / "plugin.json").write_bytes(BAD[kind])
    code, out, err = mobileops("validate", "echo", "--format", form)
    assert (code, "MOP1" in out) == (1, True)
    assert not {"MOP7000", "Traceback"} & set((out + err).split())


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.parametrize("name", ["plugin.json", "plugin.yaml"])
def test_what_is_no_file_is_a_finding_and_never_waited_for(
    mobileops: Run, tmp_path: Path, make: Callable[[Path], None], name: str
) -> None:
    (tmp_path / "echo").mkdir()
    make(tmp_path / "echo" / name)
    code, out, _ = mobileops("validate", "echo")
    assert (code, f"{name} is" in out, "[MOP1320]" in out) == (1, True, True)


HEAVY = {"argparse", "dataclasses", "inspect", "logging", "mobileops.plugin", "mobileops.runtime.home"}


@pytest.mark.parametrize(
    ("word", "unwanted"), [("echo/plugin.json", HEAVY | {"pathlib", "mobileops.toolchain"}), ("echo", HEAVY)]
)
def test_what_is_good_is_said_without_what_is_slow_to_import(tmp_path: Path, word: str, unwanted: set[str]) -> None:
    write_plugin(tmp_path / "echo")
    code = (
        "import sys\nbefore = set(sys.modules)\nfrom mobileops.cli.main import main\nassert not main(sys.argv[1:])\n"
        f"print(sorted({unwanted!r} & (set(sys.modules) - before)))"
    )
    words = [sys.executable, "-c", code, "validate", str(tmp_path / word)]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "[]\n"
