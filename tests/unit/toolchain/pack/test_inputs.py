"""What a signer states about how a bundle was built."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from mobileops.bundle.layout import FIXED_DATE, FIXED_TIME
from mobileops.toolchain.pack.inputs import build_inputs

PYPROJECT = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text(encoding="utf-8"))


def _pinned(distribution):
    (version,) = (
        text.removeprefix(f"{distribution}==")
        for text in PYPROJECT["project"]["dependencies"]
        if text.startswith(f"{distribution}==")
    )
    return version


def test_the_compressors_are_named_with_the_versions_that_are_pinned():
    assert build_inputs()["compressor"] == f"deflate {_pinned('deflate')}, zlib-ng {_pinned('zlib-ng')}"


def test_the_date_is_the_one_that_members_carry():
    year, month, day = 1980 + (FIXED_DATE >> 9), FIXED_DATE >> 5 & 15, FIXED_DATE & 31
    assert FIXED_TIME == 0
    assert build_inputs()["sourceDate"] == f"{year}-{month:02}-{day:02}T00:00:00Z"


def test_every_input_fits_the_schema_of_the_statement():
    inputs = build_inputs()
    assert inputs.keys() >= {"compressor", "sourceDate", "packer", "deflateLevel", "zlibNgLevel"}
    assert all(isinstance(value, str) and value for value in inputs.values())
    assert json.loads(json.dumps(inputs)) == inputs
