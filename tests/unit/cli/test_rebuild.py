"""``mobileops rebuild --check``: exit codes, the words for people, the JSON for programs."""

from __future__ import annotations

import json

import pytest

from tests.fakes.plugin_folder import write_plugin


@pytest.fixture
def echo(mobileops, tmp_path):
    folder = write_plugin(tmp_path / "echo", files={"note.txt": "built 2026-01-01\n"})
    assert mobileops("package", "echo")[0] == 0
    return folder


def test_the_same_source_is_identical_and_found_by_name(mobileops, echo):
    code, out, _ = mobileops("rebuild", "--check", "echo")
    assert (code, "identical: the source gives this bundle" in out) == (0, True)


def test_a_difference_exits_1_with_member_bytes_and_cause(mobileops, echo):
    (echo / "note.txt").write_text("built 2026-02-03\n")
    code, out, err = mobileops("rebuild", "--check", "echo/dist/echo-1.0.0.zip", "echo")
    assert code == 1
    assert "the first is note.txt" in out
    assert "at byte 12 (0xc)" in out
    assert "|1-01.|" in out
    assert "likely cause: timestamp: the time '2026-01-01' became '2026-02-03'" in out
    assert "SOURCE_DATE_EPOCH" in err
    found = json.loads(mobileops("rebuild", "--check", "echo", "--json")[1])
    assert (found["identical"], found["difference"]["cause"]) == (False, "timestamp")


def test_a_file_that_is_no_bundle_is_refused(mobileops, echo, tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"not an archive, but long enough to be one")
    code, _, err = mobileops("rebuild", "--check", "bad.zip", "echo")
    assert (code, "MOP2004" in err) == (3, True)


def test_an_execute_bit_has_no_bytes_to_show(mobileops, echo):
    (echo / "note.txt").chmod(0o755)
    code, out, _ = mobileops("rebuild", "--check", "echo")
    assert (code, "at byte" in out, "execute bit" in out) == (1, False, True)
