"""What the tests of the command line share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from mobileops.cli.main import main

Run = Callable[..., tuple[int, str, str]]


def as_published(schema: str, text: str) -> object:
    """Return what a command printed for programs, if it is what ``schema/cli`` promises."""
    document = json.loads(text)
    published = Path(__file__).parents[3] / "schema/cli" / f"{schema}.v1.schema.json"
    jsonschema.validate(document, json.loads(published.read_text()))
    return document


@pytest.fixture
def mobileops(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command line in a fresh home and return exit code, output and error output."""
    monkeypatch.setenv("MOBILEOPS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        code = main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
