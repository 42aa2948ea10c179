"""What commands print for programs, held against what is published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

CLI = Path(__file__).parents[2] / "schema" / "cli"


def as_published(schema: str, text: str) -> Any:
    """Return what a command printed for programs, if it is what ``schema/cli`` promises."""
    document = json.loads(text)
    jsonschema.validate(document, json.loads((CLI / f"{schema}.v1.schema.json").read_text()))
    return document
