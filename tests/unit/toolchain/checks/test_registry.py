"""`check_source` as a whole: order, completeness, and input made to break it."""

from __future__ import annotations

import os
import pkgutil
import re
import time
from pathlib import Path
from typing import Any

import pytest

from mobileops.toolchain.checks import RULES, check_source, rules

BOUND_S = 60.0  # of this process alone; each attack without its bound takes minutes, or for ever


def codes(source: Path) -> set[str]:
    return {finding.code for finding in check_source(source)}


def test_a_good_folder_has_no_findings(folder: Any) -> None:
    assert check_source(folder.path) == ()


def test_every_module_of_rules_is_registered() -> None:
    modules = [module.name for module in pkgutil.iter_modules(rules.__path__)]
    assert sorted(rule.check.__module__.rpartition(".")[2] for rule in RULES) == sorted(modules)


def test_codes_are_distinct_and_summaries_are_sentences() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert all(re.fullmatch(r".+\.", rule.summary) for rule in RULES)


def test_rules_do_not_import_one_another() -> None:
    for rule in RULES:
        text = Path(rule.check.__globals__["__file__"]).read_text(encoding="utf-8")
        assert "checks.rules" not in text, rule.code


def test_all_findings_come_at_once(folder: Any) -> None:
    folder.manifest(hooks={"pre_start": "hooks/none.py"}, dependencies=["numpy"])
    folder.write("main.py", "def broken(:")
    assert codes(folder.path) == {"MOP1323", "MOP1326", "MOP1327"}


def test_nothing_of_the_plugin_is_run(folder: Any, tmp_path: Path) -> None:
    folder.write("main.py", f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    check_source(folder.path)
    assert not (tmp_path / "ran").exists()


def test_no_bytecode_is_written_into_the_folder(folder: Any) -> None:
    check_source(folder.path)
    assert sorted(path.name for path in folder.path.rglob("*")) == ["main.py", "plugin.json"]


@pytest.mark.parametrize(
    "name", ["plugin.json", "plugin.yaml", "main.py", "requirements.txt", "config/default.conf", "hooks/pre_start.py"]
)
@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "device", "huge", "bytes", "nul"])
def test_a_file_that_is_none_is_a_finding(folder: Any, name: str, kind: str) -> None:
    folder.manifest(hooks={"pre_start": "hooks/pre_start.py"})
    folder.write("hooks/pre_start.py", "")
    path = folder.path / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind in ("loop", "device"):
        path.symlink_to(path if kind == "loop" else "/dev/zero")
    else:
        path.write_bytes({"huge": b"#" * (3 << 20), "bytes": b"\xff\xfe\x00[", "nul": b"\0"}[kind])
    started = time.process_time()
    assert check_source(folder.path)
    assert time.process_time() - started < BOUND_S


@pytest.mark.parametrize(
    "key", ["name", "type", "entry_point", "hooks", "dependencies", "configuration", "configuration_schema"]
)
@pytest.mark.parametrize(
    "value", [None, 1, [], {}, [[]], {"a": {"b": None}}, "", "\0", "..", "/etc/passwd", "a" * 5000, "\ud800"]
)
def test_no_value_of_a_key_makes_a_traceback(folder: Any, key: str, value: object) -> None:
    folder.manifest(**{key: value})
    folder.write("config/default.conf", "[plugin]\na = 1\n")
    folder.write("requirements.txt", "numpy==2.0\n")
    check_source(folder.path)


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 5000,
        "x = " + "-" * 200_000 + "1",
        "x = 1" + "+1" * 300_000,
        "x" + ".y" * 300_000,
        "class A(ServicePlugin): pass\n" * 10_000,
        "pass\n" * 60_000,
        "from mobileops.plugin import ServicePlugin as S\nclass A(S):\n" + "  super().__init__('x')\n" * 10_000,
    ],
    ids=["parentheses", "minus", "plus", "attributes", "classes", "statements", "calls"],
)
def test_python_made_to_exhaust_the_parser_is_survived_in_time(folder: Any, text: str) -> None:
    folder.write("main.py", text)
    started = time.process_time()
    assert check_source(folder.path)
    assert time.process_time() - started < BOUND_S


def test_thousands_of_hooks_and_keys_are_survived_in_time(folder: Any) -> None:
    settings = {f"setting_{n}": {"type": "string"} for n in range(200)}
    folder.manifest(hooks={f"h{n}": f"{n}.py" for n in range(2_000)}, configuration_schema=settings)
    folder.write("config/default.conf", "[plugin]\n" + "".join(f"settling_{n}=\n" for n in range(30_000)))
    started = time.process_time()
    assert check_source(folder.path)
    assert time.process_time() - started < BOUND_S
