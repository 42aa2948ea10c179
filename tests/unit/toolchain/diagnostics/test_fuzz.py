"""Whatever stands in the manifest and the rules: findings in every format, never an exception."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobileops.toolchain._resources import schema_root
from mobileops.toolchain.diagnostics import diagnose, formats, repair
from mobileops.toolchain.diagnostics.diagnosis import MAX_DIAGNOSTICS

EVERYTHING = json.loads((schema_root() / "examples" / "valid" / "everything.json").read_text(encoding="utf-8"))
KEYS = st.sampled_from([*EVERYTHING, "permision", "hook", "a/b~c", "", "\ud800", "\N{RIGHT-TO-LEFT OVERRIDE}"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["../x", "main.py", "1.0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(), inner, max_size=3),
    max_leaves=8,
)


def answered(manifest: bytes, *, name: str = "plugin.json", rules: bytes | None = None) -> None:
    """Diagnose a folder, write the result in every format, and plan its repair."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / name).write_bytes(manifest)
        if rules is not None:
            (path / ".mobileops.toml").write_bytes(rules)
        found = diagnose(path)
        for form in formats.NAMES:
            formats.render(found, form, name="x").encode()
        planned = repair.plan(path)
        assert planned is None or repair.repaired(planned.after, name=name) == planned.after


@settings(max_examples=60)
@given(st.dictionaries(KEYS | st.text(), VALUES, max_size=6))
def test_any_change_of_a_manifest_is_answered(changes: dict[str, object]) -> None:
    answered(json.dumps({**EVERYTHING, **changes}).encode())


@settings(max_examples=60)
@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()), st.booleans())
def test_any_bytes_are_answered(content: bytes, is_yaml: bool) -> None:
    answered(content, name="plugin.yaml" if is_yaml else "plugin.json")


@settings(max_examples=40)
@given(st.binary(max_size=80) | st.text(alphabet='[]{}=".#\nrulesMOP1210 offwarn', max_size=80).map(str.encode))
def test_any_rules_are_answered(rules: bytes) -> None:
    answered(b"{}", rules=rules)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 500_000,
        b'{"a":' * 100_000,
        b"{" + b"//x\n" * 200_000,
        b'{"a":' + b"/*" * 400_000,
        b'{"version": "' + b"1" * 900_000 + b'"}',
        b'{"a": ' + b"9" * 900_000 + b"}",
        b'{"x": [' + b"[]," * 100_000 + b"[]]}",
        b'{"permissions": [' + b'"network.http", ' * 20_000 + b'"ui.render"]}',
        b"\xff" * 1_000_000,
        b"x" * 2_000_000,
    ],
    ids=[
        "depth",
        "depth of objects",
        "comments",
        "opened comments",
        "text",
        "number",
        "items",
        "repeated",
        "ff",
        "2 MB",
    ],
)
def test_a_bomb_is_answered(content: bytes) -> None:
    answered(content)


def test_of_very_many_findings_the_first_are_shown_and_the_others_counted() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "plugin.json").write_bytes(b'{"permissions": [' + b'"ui.render",' * 2000 + b'"ui.render"]}')
        *shown, last = diagnose(Path(folder))
    assert len(shown) == MAX_DIAGNOSTICS
    assert (last.finding.code, last.is_error) == ("MOP1393", True)
    assert last.finding.what.startswith("there are 1")
