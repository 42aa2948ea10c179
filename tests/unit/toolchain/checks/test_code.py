"""Reading all the code of a plugin: what is followed, and bounds that hold against code made to break them."""

from __future__ import annotations

import ast
import time
from typing import Any

import pytest

from mobileops.toolchain.checks import check_source, code, scan
from mobileops.toolchain.checks.imports import import_statements, imports
from mobileops.toolchain.checks.source import Source
from mobileops.toolchain.checks.uses import MAX_USES, uses

BOUND_S = 60.0  # of this process alone; each attack without its bound takes minutes, or for ever


def found(text: str) -> list[tuple[str, int, str]]:
    tree = ast.parse(text)
    return [(one.module, one.spot.line, one.when) for one in imports(import_statements(tree, text))]


def test_imports_are_found_in_order_with_when_they_run() -> None:
    text = "import a\ndef f():\n    import b\n    if x:\n        import c\nclass D:\n    from e import f\n"
    text += "try:\n    pass\nfinally:\n    import g\n"
    assert found(text) == [
        ("a", 1, "start"),
        ("b", 3, "later"),
        ("c", 5, "maybe"),
        ("e", 7, "start"),
        ("g", 11, "start"),
    ]


def test_imports_of_one_statement_and_of_a_case_are_found() -> None:
    text = "import a, b.c\nmatch x:\n    case 1:\n        import d\nfor y in z:\n    import e\nelse:\n    import f\n"
    assert [(module, when) for module, _, when in found(text)] == [
        ("a", "start"),
        ("b.c", "start"),
        ("d", "maybe"),
        ("e", "start"),
        ("f", "start"),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_the_parser_counts_them(end: str) -> None:
    text = f"x = 1{end}{end}\f\nimport a{end}"
    assert found(text)[0][1] == ast.parse(text).body[1].lineno


def test_a_use_in_a_decorator_a_default_and_a_comprehension_is_found() -> None:
    text = "import os\n@os.system('x')\ndef f(a=os.getenv('A')):\n    return [open('/etc/x') for _ in a]\n"
    tree = ast.parse(text)
    statements = [statement for statement, _ in import_statements(tree, text)]
    assert {use.spot.line for use in uses(tree, text, statements).found} == {2, 3, 4}


def test_a_path_is_no_use_of_os_and_the_end_of_a_name_is_no_name() -> None:
    text = "import os\nfrom socket import socket as pos\nx = os.path.join(os.environ['A'])\ny = os.path.sep\n"
    assert scan.lines_with(text, ("os",)) == [1, 3]
    assert scan.lines_with(text, ("pos", "sep")) == [2, 4]


def test_a_name_that_is_given_twice_is_no_constant() -> None:
    assert scan.constants(ast.parse("A = 'x'\nB: str = 'y'\nC = 'z'\nC = 1\nD = f()\n")) == {"A": "x", "B": "y"}


def test_too_much_code_is_left_out_with_a_warning(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "MAX_PYTHON_BYTES", 300)
    folder.manifest(dependencies=["numpy"], permissions=["system.process"])
    folder.write("lib/large.py", "x = 1\n" * 100)
    assert Source(folder.path).code.skipped == ("lib/large.py",)
    assert {finding.code for finding in check_source(folder.path)} == {"MOP1327", "MOP1330"}


def test_a_folder_that_is_not_listed_whole_is_a_warning(folder: Any) -> None:
    folder.write("/".join(["d"] * 40) + "/x.py", "")
    (finding,) = check_source(folder.path)
    assert (finding.code, finding.severity) == ("MOP1330", "warning")


@pytest.mark.parametrize(
    "text",
    [
        "import os\nx = os" + ".y" * 900 + "\n",
        "import os\n" + "os.environ['A']\n" * 40_000,
        "import os\nx = [" + "os.environ," * 80_000 + "]\n",
        "import " + ",".join(f"m{number}" for number in range(80_000)),
        "".join(f"import m{number}\n" for number in range(60_000)),
        "import os\nx = " + "'a' + " * 900 + "os.environ['A']\n",
        "open('/" + "a" * 900_000 + "')\n",
        "import requests\nrequests.get('https://[" + ":" * 100_000 + "')\n",
        "if a:\n    pass\n" + "elif a:\n    import b\n" * 900,
        "\r" * 900_000 + "import a",
        "import " + ",".join(f"os as x{number}" for number in range(60_000)),
    ],
    ids=["dots", "uses", "one-line", "names", "modules", "sum", "path", "url", "elif", "lines", "aliases"],
)
def test_code_made_to_exhaust_the_rules_is_survived_in_time(folder: Any, text: str) -> None:
    folder.write("lib/hostile.py", text)
    started = time.process_time()
    assert len(check_source(folder.path)) < 200
    assert time.process_time() - started < BOUND_S


def test_uses_of_one_file_are_bounded() -> None:
    text = "open('/etc/x')\n" * (MAX_USES + 1)
    assert len(uses(ast.parse(text), text, ()).found) == MAX_USES


@pytest.mark.parametrize(
    "name", ["vendor", ".venv", ".venv/lib/python3.11/site-packages", "lib", ".pluginignore", "x.py"]
)
def test_files_in_place_of_folders_and_folders_in_place_of_files_are_survived(folder: Any, name: str) -> None:
    folder.manifest(dependencies=["numpy"])
    folder.write("token.txt", "ghp_" + "a" * 36)
    if name.endswith((".py", "ignore")):
        (folder.path / name).mkdir()
    else:
        folder.write(name, "")
    assert check_source(folder.path)
