"""Every example through the command line, as a folder that an author would have."""

from __future__ import annotations

import json
import os

import pytest

from mobileops.cli.main import main
from mobileops.errors import ManifestError
from mobileops.manifest import _generated, loads
from tests.unit.manifest import schema_examples

LAYERS = ("MOP10", "MOP11", "MOP12", "MOP130", "MOP1310", "MOP1311")


@pytest.fixture
def validate(tmp_path, monkeypatch, capsys):
    """Run ``mobileops validate --json`` on a folder with one manifest, and return (exit code, codes of errors)."""
    monkeypatch.setenv("MOBILEOPS_HOME", str(tmp_path / "home"))
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "CI"))]:
        monkeypatch.delenv(name)

    def run(path):
        folder = tmp_path / "plugin"
        folder.mkdir()
        (folder / "plugin.json").write_bytes(path.read_bytes())
        code = main(["validate", str(folder), "--json"])
        found = json.loads(capsys.readouterr().out)
        return code, codes_in(found)

    return run


def codes_in(value):
    """Return the codes of all errors in a report, whatever its form."""
    if isinstance(value, dict):
        own = {value["code"]} if value.get("severity") == "error" and isinstance(value.get("code"), str) else set()
        return own.union(*map(codes_in, value.values()))
    return set().union(*map(codes_in, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("path", schema_examples.INVALID, ids=schema_examples.name)
def test_the_command_line_reports_what_the_findings_file_says(path, validate):
    code, found = validate(path)
    assert code == 1
    expected = {line.split()[1] for line in schema_examples.expected(path) if line.startswith("error ")}
    assert expected <= found


@pytest.mark.parametrize("path", schema_examples.VALID, ids=schema_examples.name)
def test_the_command_line_finds_nothing_wrong_in_the_manifest_of_a_valid_example(path, validate):
    """The files it names are not there, so only the codes of the manifest itself count."""
    _, found = validate(path)
    assert not {code for code in found if code.startswith(LAYERS)}


@pytest.mark.parametrize("path", schema_examples.VALID + schema_examples.INVALID, ids=schema_examples.name)
def test_the_two_engines_agree(path):
    try:
        document = loads(path.read_bytes(), where="")
    except ManifestError:
        return
    assert {problem.at for problem in _generated.validate(document)} == schema_examples.reference_places(document)
