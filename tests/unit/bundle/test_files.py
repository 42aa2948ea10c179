"""The file table: its laws, and what is not a table."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.bundle.codes import Code
from mobileops.bundle.files import FileEntry, FileTable
from mobileops.bundle.limits import MAX_MEMBER_BYTES
from mobileops.errors import BundleRefused

DIGEST = "a" * 64
ENTRIES = st.builds(
    FileEntry,
    size=st.integers(0, MAX_MEMBER_BYTES),
    sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    mode=st.sampled_from([0o644, 0o755]),
)


@given(st.dictionaries(st.from_regex(r"\A_[b-z]{1,8}(é|語)?\.py\Z"), ENTRIES, max_size=6))
def test_a_table_survives_the_round_trip(entries):
    table = FileTable(entries)
    again = FileTable.parse(table.to_json())
    assert dict(again.entries) == entries
    assert again.to_json() == table.to_json()


def test_the_order_of_the_entries_does_not_show():
    first, second = ("a.py", FileEntry(1, DIGEST, 0o644)), ("b.py", FileEntry(2, DIGEST, 0o755))
    assert FileTable(dict([first, second])).to_json() == FileTable(dict([second, first])).to_json()


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {},
        {"mode": "0644", "sha256": DIGEST},
        {"mode": "0644", "sha256": DIGEST, "size": 1, "more": 1},
        {"mode": "0644", "sha256": DIGEST, "size": -1},
        {"mode": "0644", "sha256": DIGEST, "size": True},
        {"mode": "0644", "sha256": DIGEST, "size": 1.5},
        {"mode": "0644", "sha256": DIGEST, "size": MAX_MEMBER_BYTES + 1},
        {"mode": "0644", "sha256": DIGEST.upper(), "size": 1},
        {"mode": "0644", "sha256": DIGEST + "\n", "size": 1},
        {"mode": "0644", "sha256": 1, "size": 1},
        {"mode": "0777", "sha256": DIGEST, "size": 1},
        {"mode": 420, "sha256": DIGEST, "size": 1},
    ],
)
def test_a_malformed_entry_is_refused(entry):
    with pytest.raises(BundleRefused) as refused:
        FileTable.parse(json.dumps({"a.py": entry}, separators=(",", ":"), sort_keys=True).encode())
    assert refused.value.code == Code.FILES


def test_names_that_clash_are_refused():
    entry = {"mode": "0644", "sha256": DIGEST, "size": 1}
    with pytest.raises(BundleRefused, match="same name"):
        FileTable.parse(json.dumps({"A.py": entry, "a.py": entry}, separators=(",", ":")).encode())


def test_a_table_of_too_many_files_is_refused():
    with pytest.raises(BundleRefused, match="10001 files"):
        FileTable.parse(json.dumps({f"{number}": None for number in range(10_001)}).encode())
