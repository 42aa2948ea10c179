from __future__ import annotations

import errno
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobileops.toolchain.sign import merkle


@pytest.fixture
def tree(tmp_path):
    path = tmp_path / "tree"
    path.touch()
    return path


def tree_hash(leaves):
    """The definition in RFC 6962 section 2.1, which knows nothing of how the file is laid out."""
    if len(leaves) == 1:
        return merkle.hash_leaf(leaves[0])
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return merkle.hash_children(tree_hash(leaves[:split]), tree_hash(leaves[split:]))


def audit_path(index, leaves):
    """The definition in RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*audit_path(index, leaves[:split]), tree_hash(leaves[split:])]
    return [*audit_path(index - split, leaves[split:]), tree_hash(leaves[:split])]


def test_every_append_proves_what_rfc_6962_defines(tree):
    leaves = []
    for number in range(70):
        leaves.append(b"entry %d" % number)
        appended = merkle.append(tree, leaves[-1])
        assert (appended.index, appended.size) == (number, number + 1)
        assert appended.root == tree_hash(leaves)
        assert list(appended.path) == audit_path(number, leaves)


@given(st.integers(min_value=0, max_value=1 << 40))
def test_the_size_of_the_file_tells_the_number_of_leaves(leaves):
    assert merkle.leaf_count(merkle.node_count(leaves)) == leaves


@given(st.integers(min_value=1, max_value=1 << 40))
def test_the_last_peak_is_the_last_node(leaves):
    positions = merkle.peak_positions(leaves)
    assert positions[-1] == merkle.node_count(leaves) - 1
    assert len(positions) == leaves.bit_count()


@pytest.mark.parametrize("torn_bytes", [1, 16, 32, 40, 64, 95])
def test_a_run_that_a_crash_cut_short_is_dropped_by_the_next_append(tree, torn_bytes):
    leaves = [b"0", b"1", b"2"]
    for leaf in leaves:
        merkle.append(tree, leaf)
    whole = tree.read_bytes()
    merkle.append(tree, b"lost")  # leaf and two inner nodes: 96 bytes
    tree.write_bytes(tree.read_bytes()[: len(whole) + torn_bytes])
    appended = merkle.append(tree, b"3")
    assert appended.index == 3
    assert appended.root == tree_hash([*leaves, b"3"])


def test_a_write_that_fails_leaves_the_tree_as_it_was(tree, monkeypatch):
    merkle.append(tree, b"0")
    before = tree.read_bytes()
    real = os.pwrite

    def half_then_full_disk(descriptor, data, offset):
        if offset > len(before):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data[:20], offset)

    monkeypatch.setattr(os, "pwrite", half_then_full_disk)
    with pytest.raises(OSError, match="No space left"):
        merkle.append(tree, b"1")
    assert tree.read_bytes() == before


def test_concurrent_appends_never_share_an_index(tree):
    found = []
    threads = [
        threading.Thread(target=lambda: found.extend(merkle.append(tree, b"x").index for _ in range(25)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(100))


def test_an_append_reads_no_more_than_the_peaks(tree, monkeypatch):
    for number in range(1000):
        merkle.append(tree, b"%d" % number)
    reads = []
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda *arguments: reads.append(arguments) or real(*arguments))
    merkle.append(tree, b"one more")
    assert len(reads) == (1000).bit_count()


def test_a_link_in_place_of_the_tree_is_not_followed(tree, tmp_path):
    (tmp_path / "link").symlink_to(tree)
    with pytest.raises(OSError, match="symbolic links"):
        merkle.append(tmp_path / "link", b"x")
