"""The rules that look for secrets in what would be packed."""

from __future__ import annotations

from typing import Any

import pytest

from mobileops.toolchain.checks import check_source
from mobileops.toolchain.pack.plan import plan
from tests.unit.toolchain.checks.code_folders import one

TOKEN = "ghp_" + "a" * 36


def test_a_secret_is_an_error_at_its_line(folder: Any) -> None:
    folder.write("config/settings.txt", f"\ntoken = {TOKEN}\n")
    found = one(folder, "MOP1335")
    assert (found.where, found.severity) == ("config/settings.txt:2:9", "error")
    assert TOKEN not in str(found)


@pytest.mark.parametrize(
    "name",
    [
        *(".config/token", ".github/workflows/test.yml", "lib/.hidden/a.txt", ".env.example", "tests/test_a.py"),
        *(".gitignore", "notes.txt~", "dist/a.txt", ".vscode/settings.json", ".git/config", "good-1.0.0.zip"),
    ],
)
def test_a_secret_is_found_in_exactly_those_files_that_would_be_packed(folder: Any, name: str) -> None:
    folder.write(name, TOKEN)
    packed = name in {planned.name for planned in plan(folder.path).files}
    assert packed == any(found.code == "MOP1335" for found in check_source(folder.path))


def test_a_secret_in_a_file_that_stays_out_of_the_bundle_is_let_pass(folder: Any) -> None:
    folder.write("notes.txt", TOKEN)
    folder.write(".pluginignore", "*.txt\n")
    assert check_source(folder.path) == ()


@pytest.mark.parametrize("name", [".env", "config/.env.production", "id_ed25519", "signing.key", ".pypirc"])
def test_a_file_that_is_for_secrets_is_one_warning(folder: Any, name: str) -> None:
    folder.write(name, TOKEN)
    (found,) = check_source(folder.path)
    assert (found.code, found.where, found.severity) == ("MOP1336", name, "warning")


def test_an_example_of_an_environment_file_is_let_pass(folder: Any) -> None:
    folder.write(".env.example", "TOKEN=\n")
    assert check_source(folder.path) == ()


def test_a_secret_is_found_whatever_a_broken_list_of_exclusions_says(folder: Any) -> None:
    folder.write("notes.txt", TOKEN)
    folder.write(".pluginignore", "\\\n!\n[\n")
    assert one(folder, "MOP1335").where == "notes.txt:1:1"
