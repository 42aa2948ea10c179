"""The corpus of hostile archives: each is refused with its own code and leaves nothing behind."""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter

import pytest

from mobileops.bundle import open_bundle
from mobileops.errors import BundleRefused
from tests.fakes import hostile_archives
from tests.fakes.lying_zip import Entry, bundle


def _refusal(path, target):
    with pytest.raises(BundleRefused) as refused, open_bundle(path) as bundle:
        bundle.extract(target)
    return refused.value


@pytest.mark.parametrize("case", hostile_archives.CASES, ids=str)
def test_a_hostile_archive_is_refused_with_its_own_code(case, tmp_path):
    path = tmp_path / "demo-1.0.0.zip"
    path.write_bytes(case.make())
    assert _refusal(path, tmp_path / "out").code == case.code
    assert [entry.name for entry in tmp_path.iterdir()] == ["demo-1.0.0.zip"]


@pytest.mark.parametrize("case", hostile_archives.SIZES[:1] + hostile_archives.NAMES[:1], ids=str)
def test_a_refusal_names_the_archive_and_the_member(case, tmp_path):
    path = tmp_path / "demo-1.0.0.zip"
    path.write_bytes(case.make())
    where = _refusal(path, tmp_path / "out").where
    assert where in {"demo-1.0.0.zip!lib/evil.txt", "demo-1.0.0.zip!../evil.py"}


def test_a_hostile_name_cannot_act_on_the_terminal(tmp_path):
    path = tmp_path / "demo-1.0.0.zip"
    path.write_bytes(bundle(Entry(b"a\x1b[2Jb.py", b"x")))
    assert "\x1b" not in str(_refusal(path, tmp_path / "out"))


def test_the_corpus_covers_every_family():
    families = Counter(case.family for case in hostile_archives.CASES)
    assert families.keys() == {"name", "duplicate", "type", "size", "bomb", "structure", "content"}
    assert len(hostile_archives.CASES) >= 60
    assert len({str(case) for case in hostile_archives.CASES}) == len(hostile_archives.CASES)


def _stdlib_reads(data, path):
    path.write_bytes(data)
    try:
        with zipfile.ZipFile(path) as archive:
            return all(len(archive.read(info)) == info.file_size for info in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError, zlib.error):
        return False


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_control_the_standard_library_reads_most_of_the_corpus(tmp_path):
    """If a lax reader refused these archives too, refusing them would prove nothing about a strict one."""
    path = tmp_path / "demo.zip"
    read = [case for case in hostile_archives.CASES if _stdlib_reads(case.make(), path)]
    families = Counter(case.family for case in read)
    assert len(read) >= 90
    assert min(families[family] for family in ("name", "duplicate", "type", "size", "structure", "content")) >= 5


def test_control_the_base_of_the_corpus_is_a_valid_bundle(tmp_path):
    path = tmp_path / "demo-1.0.0.zip"
    path.write_bytes(hostile_archives.GOOD)
    with open_bundle(path) as bundle:
        bundle.extract(tmp_path / "out")
    assert (tmp_path / "out" / "main.py").read_bytes() == b"print()\n"
