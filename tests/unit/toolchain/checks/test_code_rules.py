"""The rules about a licence, the name of the class, and files that cannot be read."""

from __future__ import annotations

from typing import Any

import pytest

from mobileops.toolchain.checks import check_source, python_file
from tests.unit.toolchain.checks.code_folders import one


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("GPL3", "GPL-3.0-only"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("GNU LGPL v2.1 or later", "LGPL-2.1-or-later"),
        ("Apache 2", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("MIT License", "MIT"),
        ("BSD", "BSD-3-Clause"),
        ("Proprietary", "LicenseRef-Proprietary"),
        ("Apche-2.0", "Apache-2.0"),
    ],
)
def test_a_licence_that_is_no_expression_is_found_with_the_one_meant(folder: Any, text: str, meant: str) -> None:
    folder.manifest(license=text)
    assert one(folder, "MOP1337").fix == f"did you mean {meant!r}?"


@pytest.mark.parametrize(
    "text", ["All rights reserved, ask me", "(" * 200, "MIT AND", "MIT" + " OR MIT" * 40 + " OR x"]
)
def test_a_licence_that_resembles_nothing_is_found(folder: Any, text: str) -> None:
    folder.manifest(license=text)
    assert one(folder, "MOP1337").where == "plugin.json#/license"


@pytest.mark.parametrize(
    "text", ["MIT", "mit", "Apache-2.0 OR MIT", "LicenseRef-Ours", "GPL-3.0-or-later WITH GCC-exception-3.1"]
)
def test_an_expression_passes(folder: Any, text: str) -> None:
    folder.manifest(license=text)
    assert check_source(folder.path) == ()


@pytest.mark.parametrize(
    ("name", "class_name"),
    [
        ("my-plugin", "MyServicePlugin"),
        ("my-plugin", "MyPlugin"),
        ("data-processor", "DataProcessorPlugin"),
        ("mysql-sync", "MySQLSync"),
        ("openai-bridge", "OpenAIPlugin"),
        ("greeter", "Main"),
        ("greeter", "ServicePluginMain"),
        ("http2", "HTTP2Plugin"),
    ],
)
def test_a_class_that_shares_a_word_with_the_name_passes(folder: Any, name: str, class_name: str) -> None:
    folder.manifest(name=name)
    folder.write("main.py", f"from mobileops.plugin import ServicePlugin\nclass {class_name}(ServicePlugin): pass\n")
    assert check_source(folder.path) == ()


def test_a_class_of_another_name_is_a_warning_with_the_names_expected(folder: Any) -> None:
    folder.manifest(name="my-plugin")
    folder.write("main.py", "from mobileops.plugin import ServicePlugin\nclass FooBar(ServicePlugin): pass\n")
    found = one(folder, "MOP1338")
    assert (found.where, found.severity, found.fix) == ("main.py:2:1", "warning", "call it MyPlugin")


def test_a_python_file_that_does_not_parse_is_a_warning_at_its_line(folder: Any) -> None:
    folder.write("lib/old.py", "\nprint 'hello'\n")
    (found,) = check_source(folder.path)
    assert (found.code, found.where, found.severity) == ("MOP1330", "lib/old.py:2:1", "warning")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"#" * (2 << 20), b"x = 1\0"], ids=["bytes", "huge", "nul"])
def test_a_python_file_that_cannot_be_read_is_a_warning(folder: Any, content: bytes) -> None:
    folder.write("lib/odd.py", content)
    (found,) = check_source(folder.path)
    assert (found.code, found.where, found.severity) == ("MOP1330", "lib/odd.py", "warning")


def test_each_python_file_is_parsed_once(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    real = python_file.parse
    monkeypatch.setattr(python_file, "parse", lambda text: parsed.append(text) or real(text))
    folder.manifest(hooks={"pre_start": "hooks/pre_start.py"})
    for name in ("hooks/pre_start.py", "lib/a.py", "lib/b.py"):
        folder.write(name, f"# {name}\n")
    check_source(folder.path)
    assert len(parsed) == len(set(parsed)) == 4
