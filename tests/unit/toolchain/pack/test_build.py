"""Packing: the result is a strict bundle with the same files, whatever the machine, or there is no result."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import textwrap

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mobileops.bundle import API_MEMBER, FILES_MEMBER, SBOM_MEMBER, open_bundle
from mobileops.bundle.layout import DEFLATED, STORED
from mobileops.errors import PackagingError
from mobileops.toolchain.pack import PackCode, build, content, deflate_pieces, pack
from mobileops.toolchain.pack.compress import LARGE_BYTES
from mobileops.toolchain.pack.deflate_pieces import Kind
from mobileops.toolchain.secrets import find_secret

DICE = random.Random(7)  # noqa: S311 - a seeded generator is the point
NOISE = DICE.randbytes(LARGE_BYTES + 500_000)


def _content(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode & 0o777) for path in files}


def _unpacked(packed, folder):
    with open_bundle(packed.path) as bundle:
        bundle.extract(folder)
    return _content(folder)


def test_a_packed_folder_comes_out_as_it_was(source, out, tmp_path):
    packed = pack(source, out)
    wanted, got = _content(source), _unpacked(packed, tmp_path / "again")
    del got[FILES_MEMBER], got[SBOM_MEMBER], got["plugin.json"], wanted["plugin.json"]
    assert got == wanted


def test_the_result_says_what_was_made(source, out):
    packed = pack(source, out)
    assert packed.path == out / "demo-1.0.0.zip"
    assert packed.sha256 == hashlib.sha256(packed.path.read_bytes()).hexdigest()
    assert packed.size_bytes == packed.path.stat().st_size
    assert packed.members == ("plugin.json", FILES_MEMBER, SBOM_MEMBER, "lib/run.sh", "main.py")
    assert packed.path.stat().st_mode & 0o777 == 0o644


def test_the_manifest_inside_is_canonical(source, out):
    with open_bundle(pack(source, out).path) as bundle:
        assert bundle.read("plugin.json", limit=1000) == bundle.manifest.canonical()


def test_generated_members_take_their_place(source, out):
    packed = pack(source, out, generated={API_MEMBER: b"{}"})
    with open_bundle(packed.path) as bundle:
        assert bundle.read(API_MEMBER, limit=10) == b"{}"


def test_a_generated_member_must_belong_to_the_format(source, out):
    with pytest.raises(ValueError, match="evil"):
        pack(source, out, generated={".mobileops/evil.json": b"{}"})


def test_stored_means_that_nothing_is_compressed(source, out):
    (source / "large.txt").write_bytes(b"text " * 500_000)
    with open_bundle(pack(source, out, stored=True).path) as bundle:
        bundle.check_members()
        assert {member.method for member in bundle.members} == {STORED}


@pytest.mark.parametrize(
    ("data", "method"),
    [
        (b"", STORED),
        (b"tiny", STORED),
        (b"text " * 1000, DEFLATED),
        (NOISE[:20_000], STORED),
        (NOISE[:2000] + NOISE[:2000], DEFLATED),
        (bytes(LARGE_BYTES), DEFLATED),
        (bytes(LARGE_BYTES + 1), DEFLATED),
        (NOISE, STORED),
        (b"words and words " * 200_000, DEFLATED),
        (bytes(byte & 0x0F for byte in NOISE), DEFLATED),
    ],
    ids=["empty", "tiny", "text", "noise", "repeat", "zeros", "more-zeros", "much-noise", "much-text", "skewed"],
)
def test_every_kind_of_content_survives(source, out, tmp_path, data, method):
    (source / "content.bin").write_bytes(data)
    packed = pack(source, out)
    with open_bundle(packed.path) as bundle:
        assert {member.name: member.method for member in bundle.members}["content.bin"] == method
        bundle.extract(tmp_path / "again")
    assert (tmp_path / "again/content.bin").read_bytes() == data


def test_the_number_of_threads_and_the_window_do_not_show(source, out, monkeypatch):
    for number in range(60):
        (source / "lib" / f"{number}.bin").write_bytes(NOISE[number : number + 20_000])
    (source / "large.txt").write_bytes(b"words and words " * 200_000)
    wanted = pack(source, out).sha256
    monkeypatch.setattr(content, "_WINDOW", 1)
    assert pack(source, out).sha256 == wanted
    monkeypatch.setattr(build, "_THREADS_PAY_FROM_BYTES", 1 << 40)
    assert pack(source, out).sha256 == wanted


def test_a_sample_that_misleads_is_made_up_for(source, out, monkeypatch):
    (source / "noise.bin").write_bytes(NOISE)
    monkeypatch.setattr(deflate_pieces, "kind_of", lambda _: Kind.MATCH)
    with open_bundle(pack(source, out).path) as bundle:
        assert {member.name: member.method for member in bundle.members}["noise.bin"] == STORED
        bundle.check_members()


FILES = st.dictionaries(
    st.from_regex(r"\A[b-k]{1,5}(/[b-k]{1,5}){0,2}\.(py|txt|bin)\Z"), st.binary(max_size=3000), max_size=8
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES)
def test_packing_and_extracting_is_the_identity(tmp_path_factory, files):
    assume(not any(map(find_secret, files.values())))  # hypothesis finds the shapes of secrets in the code
    folder = tmp_path_factory.mktemp("property")
    source = folder / "demo"
    source.mkdir()
    (source / "plugin.json").write_text(
        '{"name":"demo","version":"1.0.0","description":"d","author":"a","license":"MIT","type":"service","entry_point":"main.py"}'
    )
    for name, data in {**files, "main.py": b"x"}.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)
    got = _unpacked(pack(source, folder / "out"), folder / "again")
    assert {name: data for name, (data, _) in got.items() if name in files} == files


def test_packing_into_the_source_does_not_pack_the_result(source):
    first = pack(source, source / "dist")
    assert pack(source, source).sha256 == first.sha256
    assert pack(source, source).sha256 == first.sha256


def test_a_file_that_grows_meanwhile_is_an_error(source, out, monkeypatch):
    _fails_when_changed(source, out, monkeypatch, b"more" * 1000)


def test_a_file_that_shrinks_meanwhile_is_an_error(source, out, monkeypatch):
    _fails_when_changed(source, out, monkeypatch, b"")


def test_a_large_file_that_grows_meanwhile_is_an_error(source, out, monkeypatch):
    (source / "main.py").write_bytes(NOISE)
    _fails_when_changed(source, out, monkeypatch, NOISE + b"x")


def test_a_large_file_that_shrinks_meanwhile_is_an_error(source, out, monkeypatch):
    (source / "main.py").write_bytes(NOISE)
    _fails_when_changed(source, out, monkeypatch, NOISE[:-1])


def test_a_disk_that_fails_while_reading_is_an_error(source, out, monkeypatch):
    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(PackagingError) as error:
        pack(source, out)
    assert error.value.code == PackCode.UNREADABLE
    assert list(out.iterdir()) == []


def test_a_read_that_stops_early_is_continued(source, out, monkeypatch):
    wanted = pack(source, out).sha256
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, length, offset: real(fd, min(length, 7), offset))
    assert pack(source, out).sha256 == wanted


def test_a_file_that_becomes_a_link_meanwhile_is_an_error(source, out, monkeypatch):
    _after_planning(monkeypatch, lambda: ((source / "main.py").unlink(), (source / "main.py").symlink_to("lib/run.sh")))
    with pytest.raises(PackagingError) as error:
        pack(source, out)
    assert error.value.code == PackCode.UNREADABLE


def _after_planning(monkeypatch, act):
    real = build.check_limits
    monkeypatch.setattr(build, "check_limits", lambda files: (real(files), act()))


def _fails_when_changed(source, out, monkeypatch, data):
    _after_planning(monkeypatch, lambda: (source / "main.py").write_bytes(data))
    with pytest.raises(PackagingError) as error:
        pack(source, out)
    assert error.value.code == PackCode.CHANGED
    assert list(out.iterdir()) == []


def test_a_secret_is_refused_by_name_and_line_and_never_shown(source, out):
    token = "ghp_" + "a1B2" * 9
    (source / "lib" / "client.py").write_text(f"import os\nTOKEN = '{token}'\n")
    with pytest.raises(PackagingError) as error:
        pack(source, out)
    assert error.value.code == PackCode.SECRET
    assert "lib/client.py" in error.value.what
    assert "line 2" in error.value.what
    assert token not in str(error.value)
    assert list(out.iterdir()) == []


def test_an_older_bundle_is_replaced_only_by_a_complete_one(source, out):
    older = pack(source, out)
    (source / "key.txt").write_text("-----BEGIN RSA PRIVATE KEY-----\n")
    with pytest.raises(PackagingError):
        pack(source, out)
    assert [path.name for path in out.iterdir()] == ["demo-1.0.0.zip"]
    assert hashlib.sha256(older.path.read_bytes()).hexdigest() == older.sha256


def test_a_full_disk_is_an_error_that_leaves_nothing(source, out, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(PackagingError) as error:
        pack(source, out)
    assert error.value.code == PackCode.OUTPUT
    assert list(out.iterdir()) == []


def test_an_output_folder_that_is_a_file_is_an_error(source, out):
    out.write_text("mine")
    with pytest.raises(PackagingError) as error:
        pack(source, out)
    assert error.value.code == PackCode.OUTPUT


def _without_unnamed_files(monkeypatch):
    """Answer ``O_TMPFILE`` as a file system does that has none."""
    real = os.open

    def refusing(path, flags, *rest, **options):
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return real(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", refusing)


def test_a_file_system_without_unnamed_files_gets_the_same_bundle(source, out, monkeypatch):
    wanted = pack(source, out).sha256
    _without_unnamed_files(monkeypatch)
    assert pack(source, out).sha256 == wanted
    assert [path.name for path in out.iterdir()] == ["demo-1.0.0.zip"]


def test_a_failure_removes_a_named_temporary_file_too(source, out, monkeypatch):
    _without_unnamed_files(monkeypatch)
    (source / "key.txt").write_text("-----BEGIN RSA PRIVATE KEY-----\n")
    with pytest.raises(PackagingError):
        pack(source, out)
    assert list(out.iterdir()) == []


def test_a_machine_without_proc_gets_the_same_bundle(source, out, monkeypatch):
    wanted = pack(source, out).sha256
    real = os.path.lexists
    monkeypatch.setattr(os.path, "lexists", lambda path: path != "/proc/self/fd" and real(path))
    assert pack(source, out).sha256 == wanted


def test_a_folder_that_takes_no_files_is_an_error(source, out, monkeypatch):
    real = os.open

    def refusing(path, flags, *rest, **options):
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(PackagingError) as error:
        pack(source, out)
    assert error.value.code == PackCode.OUTPUT


@pytest.mark.parametrize("unnamed", [True, False])
def test_sigkill_leaves_nothing_where_files_can_be_unnamed(tmp_path, unnamed):
    """The control is a temporary file with a name, which stays."""
    switch = "" if unnamed else "publish._opened = lambda part, folder: (os.open(part, 0o102, dir_fd=folder), True)"
    code = f"""
        import os, signal, sys
        from pathlib import Path
        from mobileops.toolchain.pack import publish
        {switch}
        with publish.appearing(Path(sys.argv[1])) as descriptor:
            os.write(descriptor, b"half")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "demo.zip")]
    assert subprocess.run(command, check=False, timeout=60).returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == (0 if unnamed and _has_unnamed_files(tmp_path) else 1)


def _has_unnamed_files(folder):
    try:
        os.close(os.open(folder, os.O_RDWR | os.O_TMPFILE))
    except OSError:
        return False
    return True


INTERRUPTED = """
import os, signal, sys
from pathlib import Path
from mobileops.toolchain.pack import content, pack
real = content.compress_whole
def slow(data):
    os.kill(os.getpid(), signal.SIGINT)
    return real(data)
content.compress_whole = slow
pack(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_an_interrupt_leaves_nothing(source, out):
    for number in range(100):
        (source / "lib" / f"{number}.bin").write_bytes(NOISE[:20_000])
    command = [sys.executable, "-c", textwrap.dedent(INTERRUPTED), str(source), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in done.stderr
    assert list(out.iterdir()) == []
