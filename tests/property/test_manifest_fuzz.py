"""Whatever somebody puts in a plugin's folder: findings in bounded time and memory, and no other exception."""

from __future__ import annotations

import json
import os
import socket
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mobileops.errors import ManifestError
from mobileops.manifest import check, loads, parse
from mobileops.toolchain.checks import check_source
from tests.unit.manifest import schema_examples

MINIMAL = json.loads(schema_examples.EVERYTHING.with_name("minimal.json").read_bytes())
GOOD = [path.read_bytes() for path in schema_examples.VALID if path.stat().st_size < 5000]
LIMIT_S = 10.0
LIMIT_BYTES = 256 << 20
MIB = 1 << 20


def changed(**keys):
    return json.dumps(MINIMAL | keys, ensure_ascii=False).encode()


def filled(opening: str, closing: str, size: int = MIB - 200) -> bytes:
    """A text of about one megabyte whose middle is one piece repeated."""
    return (opening * (size // len(opening)) + closing).encode()


HOSTILE = {
    "a megabyte of one name": changed(name="a" * (MIB - 300)),
    "a megabyte of spaces": b" " * MIB,
    "a megabyte of nothing": b"\0" * MIB,
    "a byte too many": changed(name="a" * MIB),
    "100,000 unknown keys": json.dumps(MINIMAL | {f"k{n}": 0 for n in range(80_000)}).encode()[:MIB],
    "100,000 keys, whole": json.dumps({str(n): 0 for n in range(75_000)}).encode(),
    "100,000 keys of other tools": json.dumps(MINIMAL | {f"x-{n}": 0 for n in range(60_000)}).encode(),
    "100,000 times the same key": b'{"a":1,' + b'"a":1,' * 100_000 + b'"b":2}',
    "100,000 settings": changed(configuration={f"k{n}": n for n in range(60_000)}),
    "100,000 permissions": changed(permissions=["network.tcp:1"] * 60_000),
    "100,000 different permissions": changed(permissions=[f"network.tcp:{n}" for n in range(50_000)]),
    "100,000 unknown permissions": changed(permissions=[f"netwrk.tcp:{n}" for n in range(50_000)]),
    "100,000 dependencies": changed(dependencies=[f"p{n}" for n in range(70_000)]),
    "arrays in arrays": filled("[", "]"),
    "objects in objects": filled('{"a":', "1"),
    "closed arrays in arrays": b"[" * 500_000 + b"]" * 500_000,
    "deep in a key of other tools": b'{"x-a":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "an integer of a megabyte": b'{"x-a": ' + b"9" * (MIB - 100) + b"}",
    "a real of a megabyte": b'{"x-a": 0.' + b"9" * (MIB - 100) + b"}",
    "an exponent beyond doubles": b'{"x-a": 1e999999999}',
    "infinity as a limit": changed(resources={"cpu": 1}).replace(b'"cpu": 1', b'"cpu": 1e400'),
    "invalid UTF-8": b'{"name": "\xff\xfe"}',
    "overlong UTF-8": b'{"name": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "a lone surrogate": b'{"name": "\\ud800"}',
    "a lone surrogate as a key": b'{"\\udfff": 1}',
    "a range of a megabyte": changed(compatibility={"platform_version": ">=1," * 250_000}),
    "a version of a megabyte": changed(version="1.0.0-" + "a." * 500_000),
    "a path of a megabyte": changed(entry_point="a/" * 500_000 + "main.py"),
    "a licence of brackets": changed(license="(" * 1_000_000),
    "a pattern that would never end": changed(
        configuration_schema={"s": {"type": "string", "pattern": "(a+)+$", "default": "a" * 200 + "!"}}
    ),
    "UTF-16": json.dumps(MINIMAL).encode("utf-16"),
}


def outcome(data: bytes):
    """Return the findings of a text; anything but a manifest or findings gets out."""
    try:
        return check(loads(data, where="plugin.json"))
    except ManifestError as error:
        return error.findings


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_judged_in_bounded_time(name):
    begin = time.process_time()
    outcome(HOSTILE[name])
    assert time.process_time() - begin < LIMIT_S


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_judged_in_bounded_memory(name):
    tracemalloc.start()
    try:
        outcome(HOSTILE[name])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < LIMIT_BYTES


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("file", ["plugin.json", "plugin.yaml"])
def test_a_hostile_file_is_judged_in_bounded_time(tmp_path, file, name):
    (tmp_path / file).write_bytes(HOSTILE[name])
    begin = time.process_time()
    assert check_source(tmp_path)
    assert time.process_time() - begin < 2 * LIMIT_S


@pytest.mark.parametrize("name", ["a byte too many", "arrays in arrays", "invalid UTF-8", "a lone surrogate"])
def test_a_text_that_is_no_strict_json_has_a_finding(name):
    assert outcome(HOSTILE[name])[0].code.startswith("MOP10")


def test_the_hostile_texts_are_large():
    assert sum(len(data) > 500_000 for data in HOSTILE.values()) > 10


@given(st.binary(max_size=400))
def test_any_bytes_are_findings_or_a_manifest(data):
    assert outcome(data)


@settings(max_examples=300)
@given(st.sampled_from(GOOD), st.data())
def test_a_good_manifest_with_damaged_bytes_is_findings_or_a_manifest(data, draw):
    damaged = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        place = draw.draw(st.integers(0, len(damaged) - 1))
        damaged[place : place + draw.draw(st.integers(0, 3))] = draw.draw(st.binary(max_size=4))
    errors = [finding for finding in outcome(bytes(damaged)) if finding.severity == "error"]
    try:
        parse(bytes(damaged))
    except ManifestError:
        assert errors
    else:
        assert not errors


ODD_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(sorted(json.loads(schema_examples.EVERYTHING.read_bytes()))), ODD_JSON))
def test_any_value_under_any_key_is_findings_or_a_manifest(odd):
    outcome(json.dumps(MINIMAL | odd).encode())


def make_folder(path):
    path.mkdir()


def make_pipe(path):
    os.mkfifo(path)


def make_loop(path):
    path.symlink_to(path.name)


def make_link_to_device(path):
    path.symlink_to("/dev/zero")


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(path.parent, os.O_RDONLY)  # the whole path may be longer than an address
        listener.bind(f"/proc/self/fd/{here}/{path.name}")
        os.close(here)


@pytest.mark.parametrize("make", [make_folder, make_pipe, make_loop, make_link_to_device, make_socket])
@pytest.mark.parametrize(
    "name", ["plugin.json", "plugin.yaml", "main.py", "hook.py", "requirements.txt", "config", "mobileops.toml"]
)
def test_something_else_in_the_place_of_a_file_does_not_hang_or_crash(tmp_path, make, name):
    (tmp_path / "plugin.json").write_bytes(changed(hooks={"pre_start": "hook.py"}, dependencies=["requests"]))
    (tmp_path / "plugin.json").unlink() if name.startswith("plugin.") else None
    make(tmp_path / name)
    begin = time.process_time()
    assert check_source(tmp_path)
    assert time.process_time() - begin < LIMIT_S
