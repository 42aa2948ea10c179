from __future__ import annotations

import subprocess
import sys

import pytest

from mobileops import manifest
from tests.unit.manifest import schema_examples

HEAVY = {
    "jsonschema",
    "yaml",
    "asyncio",
    "importlib.metadata",
    "difflib",
    "ipaddress",
    "hashlib",
    "msgspec",
    "inspect",
    "dataclasses",
}


def loaded(program):
    """Return the modules a fresh interpreter has after a program; no environment, so that nothing measures it."""
    source = f"import sys; sys.path[:0] = {sys.path!r}; {program}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-I", "-c", source], check=True, capture_output=True, text=True, env={})
    return set(run.stdout.split())


def test_importing_the_package_loads_none_of_its_modules():
    assert not {name for name in loaded("import mobileops.manifest") if name.startswith("mobileops.manifest.")}


def test_checking_a_good_manifest_loads_nothing_heavy():
    text = schema_examples.EVERYTHING.with_name("mission-permissions.json").read_bytes()
    modules = loaded(f"from mobileops.manifest import check, loads; assert not check(loads({text!r}, where='x'))")
    assert not modules & HEAVY
    assert "mobileops.manifest.model" not in modules


def test_every_public_name_is_there():
    assert all(hasattr(manifest, name) for name in manifest.__all__)
    assert set(manifest.__all__) <= set(dir(manifest))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = manifest.nonsense
