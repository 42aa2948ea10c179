"""An open bundle: what it shows, what it refuses later, and that nothing else than a refusal is ever raised."""

from __future__ import annotations

import hashlib
import os
import random
import tracemalloc
from pathlib import Path

import pytest

from mobileops.bundle import FILES_MEMBER, Code, open_bundle, reader
from mobileops.bundle.limits import CHUNK_BYTES
from mobileops.errors import BundleRefused, NotFoundError
from tests.fakes.hostile_archives import GOOD
from tests.fakes.lying_zip import Entry, bundle


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "demo-1.0.0.zip"
    path.write_bytes(GOOD)
    return path


def test_an_open_bundle_shows_manifest_members_and_table(good):
    with open_bundle(good) as opened:
        assert (opened.manifest.name, str(opened.manifest.version)) == ("demo", "1.0.0")
        assert [member.name for member in opened.members] == ["plugin.json", FILES_MEMBER, "lib/a.py", "main.py"]
        assert opened.files.entries["main.py"].sha256 == hashlib.sha256(b"print()\n").hexdigest()
        assert opened.path == good


def test_the_digests_are_those_of_the_file_and_of_the_table(good):
    with open_bundle(good) as opened:
        assert opened.sha256 == opened.sha256 == hashlib.sha256(GOOD).hexdigest()
        assert opened.files_digest == hashlib.sha256(opened.read(FILES_MEMBER, limit=10_000)).hexdigest()
        assert opened.size_bytes == len(GOOD)


def test_read_returns_the_inflated_bytes(good):
    with open_bundle(good) as opened:
        assert opened.read("lib/a.py", limit=1000) == b"A = 1\n" * 40


def test_read_refuses_more_than_its_limit(good):
    with open_bundle(good) as opened, pytest.raises(BundleRefused) as refused:
        opened.read("lib/a.py", limit=239)
    assert refused.value.code == Code.READ_LIMIT


def test_read_of_an_absent_member_says_so(good):
    with open_bundle(good) as opened, pytest.raises(NotFoundError) as error:
        opened.read("absent.py", limit=1)
    assert error.value.code == Code.NO_MEMBER


def test_an_absent_bundle_is_not_found(tmp_path):
    with pytest.raises(NotFoundError) as error:
        open_bundle(tmp_path / "absent.zip")
    assert error.value.code == Code.NO_FILE


def test_a_symbolic_link_is_not_followed(good, tmp_path):
    link = tmp_path / "link.zip"
    link.symlink_to(good)
    with pytest.raises(BundleRefused) as refused:
        open_bundle(link)
    assert refused.value.code == Code.NOT_REGULAR


def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(BundleRefused) as refused:
        open_bundle(tmp_path / "pipe.zip")
    assert refused.value.code == Code.NOT_REGULAR


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(BundleRefused) as refused:
        open_bundle(tmp_path)
    assert refused.value.code == Code.NOT_REGULAR


def test_a_path_through_a_file_cannot_be_opened(good):
    with pytest.raises(BundleRefused) as refused:
        open_bundle(good / "inside.zip")
    assert refused.value.code == Code.UNREADABLE


def test_a_file_over_the_limit_is_refused_before_anything_is_read(tmp_path):
    path = tmp_path / "huge.zip"
    with path.open("wb") as stream:
        stream.truncate(3 << 30)
    with pytest.raises(BundleRefused) as refused:
        open_bundle(path)
    assert refused.value.code == Code.TOO_LARGE


def test_an_empty_member_is_fine(tmp_path):
    path = tmp_path / "demo.zip"
    path.write_bytes(bundle(Entry(b"py.typed")))
    with open_bundle(path) as opened:
        opened.check_members()
        assert opened.read("py.typed", limit=0) == b""


def test_a_name_in_another_script_is_fine(tmp_path):
    path = tmp_path / "demo.zip"
    path.write_bytes(bundle(Entry("docs/日本語/café.txt".encode(), b"x")))
    with open_bundle(path) as opened:
        opened.extract(tmp_path / "out")
    assert (tmp_path / "out/docs/日本語/café.txt").read_bytes() == b"x"


def test_a_member_of_several_chunks_is_checked_and_extracted(tmp_path):
    data = b"".join(number.to_bytes(4, "big") for number in range(200_000))
    path = tmp_path / "demo.zip"
    path.write_bytes(bundle(Entry(b"big.bin", data, 8), Entry(b"raw.bin", data)))
    with open_bundle(path) as opened:
        opened.extract(tmp_path / "out")
    assert (tmp_path / "out/big.bin").read_bytes() == (tmp_path / "out/raw.bin").read_bytes() == data


def test_a_member_is_read_in_pieces(good):
    with open_bundle(good) as opened:
        assert b"".join(opened.chunks("main.py")) == b"print()\n"
        with pytest.raises(NotFoundError):
            opened.chunks("absent")


def test_the_mode_of_the_file_table_which_nothing_lists_cannot_be_changed(good):
    data = bytearray(GOOD)
    second = GOOD.index(b"PK\x01\x02", GOOD.index(b"PK\x01\x02") + 4)
    data[second + 40 : second + 42] = (0o100755).to_bytes(2, "little")
    good.write_bytes(data)
    with pytest.raises(BundleRefused) as refused:
        open_bundle(good)
    assert (refused.value.code, "0755" in refused.value.what) == (Code.MODE, True)


def test_the_memory_of_the_reader_does_not_grow_with_a_member(tmp_path):
    """Sixteen times the data: the same peak, of which nearly all is one chunk and what zlib keeps."""
    peaks = []
    for size in (2 << 20, 32 << 20):
        path = tmp_path / f"demo-{size}.zip"
        noise = random.Random(size).randbytes(1 << 19).hex().encode()  # noqa: S311 - a seeded generator is the point
        path.write_bytes(bundle(Entry(b"large.bin", noise * (size >> 20), 8)))
        with open_bundle(path) as opened:
            tracemalloc.start()
            opened.extract(tmp_path / f"out-{size}")
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + CHUNK_BYTES
    assert max(peaks) < 8 * CHUNK_BYTES


def test_a_refused_bundle_leaves_no_descriptor_open(tmp_path):
    path = tmp_path / "demo.zip"
    path.write_bytes(bundle(manifest=b"{}"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for data in (bundle(manifest=b"{}"), GOOD[:-1]):
        path.write_bytes(data)
        with pytest.raises(BundleRefused):
            open_bundle(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_closed_bundle_can_be_closed_again(good):
    opened = open_bundle(good)
    opened.close()
    opened.close()


def test_a_file_cut_after_opening_is_refused_by_every_reader(good):
    with open_bundle(good) as opened:
        os.truncate(good, 100)
        for act in (opened.check_members, lambda: opened.read("main.py", limit=100)):
            with pytest.raises(BundleRefused) as refused:
                act()
            assert refused.value.code == Code.UNREADABLE


def test_a_member_changed_after_opening_is_not_extracted(good, tmp_path):
    with open_bundle(good) as opened:
        opened.check_members()
        with good.open("r+b") as stream:
            stream.seek(GOOD.index(b"print()\n"))
            stream.write(b"pwned()\n")
        with pytest.raises(BundleRefused) as refused:
            opened.extract(tmp_path / "out")
    assert refused.value.code == Code.CHECKSUM
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("act", ["sha256", "check_members"])
def test_a_disk_that_fails_is_a_refusal(good, act, monkeypatch):
    def fail(*_):
        raise OSError(5, "Input/output error")

    with open_bundle(good) as opened:
        monkeypatch.setattr(os, "pread", fail)
        with pytest.raises(BundleRefused) as refused:
            getattr(opened, act)()
    assert refused.value.code == Code.UNREADABLE


def test_every_change_of_one_byte_is_refused_or_changes_the_digest(tmp_path):
    """Exhaustive: each byte of a small bundle, in two ways; nothing but a refusal may come out."""
    path = tmp_path / "demo.zip"
    wanted = hashlib.sha256(GOOD).hexdigest()
    accepted = 0
    for position in range(len(GOOD)):
        for change in (0x01, 0xFF):
            data = bytearray(GOOD)
            data[position] ^= change
            path.write_bytes(data)
            try:
                with open_bundle(path) as opened:
                    opened.check_members()
                    assert opened.sha256 != wanted
                    accepted += 1
            except BundleRefused:
                continue
    assert accepted <= len(GOOD) // 50


def test_large_bundles_are_checked_in_two_threads_and_the_first_wrong_member_is_named(tmp_path):
    entries = [Entry(f"part{number}.bin".encode(), bytes([number + 1]) * 300_000) for number in range(9)]
    data = bytearray(bundle(*entries))
    for number in (2, 7):
        data[data.index(bytes([number + 1]) * 1000)] ^= 0xFF
    (tmp_path / "demo.zip").write_bytes(data)
    with open_bundle(tmp_path / "demo.zip") as opened, pytest.raises(BundleRefused) as refusal:
        opened.check_members()
    assert "part2.bin" in refusal.value.where


def test_what_does_not_fit_into_memory_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_KEPT_BYTES", 2500)
    entries = [Entry(f"{number}.bin".encode(), bytes([number]) * 1000) for number in range(9)]
    (tmp_path / "demo.zip").write_bytes(bundle(*entries))
    with open_bundle(tmp_path / "demo.zip") as opened:
        opened.extract(tmp_path / "out")
    for number in range(9):
        assert (tmp_path / "out" / f"{number}.bin").read_bytes() == bytes([number]) * 1000


@pytest.mark.parametrize("keep", [True, False])
def test_what_was_checked_and_kept_is_written_without_being_read_again(good, tmp_path, keep):
    with open_bundle(good) as opened:
        opened.check_members(keep=keep)
        os.truncate(good, 10)
        if keep:
            opened.extract(tmp_path / "out")
            assert (tmp_path / "out/main.py").read_bytes() == b"print()\n"
        else:
            with pytest.raises(BundleRefused):
                opened.extract(tmp_path / "out")
            assert not (tmp_path / "out").exists()
