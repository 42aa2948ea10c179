from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mobileops.toolchain.spec import codegen
from mobileops.toolchain.spec.__main__ import main

ROOT = Path(__file__).parents[4]


@pytest.fixture
def checkout(tmp_path):
    """A folder with the inputs only."""
    for folder in ("plugin", "permissions"):
        shutil.copytree(ROOT / "schema" / folder, tmp_path / "schema" / folder)
    return tmp_path


@pytest.fixture
def _in_checkout(checkout, monkeypatch):
    monkeypatch.setattr("mobileops.toolchain.spec.__main__.schema_root", lambda: checkout / "schema")


def test_the_committed_files_are_what_would_be_generated():
    assert codegen.stale(ROOT) == ()


def test_generation_is_a_function_of_the_schema():
    assert codegen.generate(ROOT / "schema") == codegen.generate(ROOT / "schema")


def test_writing_twice_changes_nothing(checkout):
    assert set(codegen.write(checkout)) == {
        codegen.VALIDATOR, codegen.TYPES, codegen.MANIFEST_PAGE, codegen.PERMISSIONS_PAGE,
        codegen.CATALOG, codegen.FORM,
    }  # fmt: skip
    assert codegen.write(checkout) == ()
    assert (checkout / codegen.VALIDATOR).read_bytes() == (ROOT / codegen.VALIDATOR).read_bytes()


def test_a_change_of_the_catalogue_makes_schema_code_and_page_stale(checkout):
    codegen.write(checkout)
    path = checkout / "schema" / "permissions" / "v1" / "ui.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("Show panels", "Draw panels"), encoding="utf-8")
    stale = codegen.stale(checkout)
    assert "schema/plugin/v1/plugin.schema.json" in stale
    assert {codegen.VALIDATOR, codegen.TYPES, codegen.PERMISSIONS_PAGE} <= set(stale)


@pytest.mark.usefixtures("_in_checkout")
def test_check_names_the_stale_files_and_fails(capsys):
    assert main(["--check"]) == 1
    assert f"{codegen.VALIDATOR} is stale: run {codegen.COMMAND}" in capsys.readouterr().err


@pytest.mark.usefixtures("_in_checkout")
def test_check_is_silent_after_write(capsys):
    assert main(["--write"]) == 0
    assert f"wrote {codegen.VALIDATOR}" in capsys.readouterr().err
    assert main(["--check"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("_in_checkout")
def test_a_malformed_catalogue_is_an_error_with_a_code(checkout, capsys):
    (checkout / "schema" / "permissions" / "v1" / "ui.yaml").write_text("family: ui\n", encoding="utf-8")
    assert main(["--check"]) == 4
    assert "MOP8012" in capsys.readouterr().err


def test_pages_name_every_key_and_permission():
    texts = codegen.generate(ROOT / "schema")
    page = texts[codegen.MANIFEST_PAGE]
    for key in ("permissions", "entry_point", "configuration_schema", "pre_upgrade", "stop_timeout", "secret"):
        assert f"| `{key}` |" in page
    assert "### `network.tcp`" in texts[codegen.PERMISSIONS_PAGE]
    assert "| Warning | the bare form is broad" in texts[codegen.PERMISSIONS_PAGE]
