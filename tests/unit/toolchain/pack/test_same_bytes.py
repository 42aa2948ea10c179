"""The bytes of a bundle depend on its content and on nothing of where, when and by whom it is built.

Other processors are emulated by the session ``cpus`` of noxfile.py.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mobileops.toolchain.pack import pack
from tests.fakes.accounts import ordinary_user, python_for

DICE = random.Random(7)  # noqa: S311 - a seeded generator is the point
PACK = """
import os, sys
os.umask(int(os.environ.get("UMASK", "22"), 8))
if "CPUS" in os.environ:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
from pathlib import Path
from mobileops.toolchain.pack import pack
print(pack(Path(sys.argv[1]), Path(sys.argv[2])).sha256)
"""
ENVIRONMENTS = {
    "umask-open": {"UMASK": "0"},
    "umask-closed": {"UMASK": "77"},
    "time-zone": {"TZ": "Asia/Tokyo"},
    "locale-c": {"LC_ALL": "C", "LANG": "C"},
    "locale-without-utf8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "hash-seed-1": {"PYTHONHASHSEED": "1"},
    "hash-seed-2": {"PYTHONHASHSEED": "4242"},
    "optimised": {"PYTHONOPTIMIZE": "2"},
    "one-processor": {"CPUS": "1"},
    "no-home": {"HOME": "/nonexistent", "TMPDIR": "/var/tmp", "USER": "nobody"},
    "source-date": {"SOURCE_DATE_EPOCH": "1234567890"},
}


@pytest.fixture
def wanted(source, out):
    """Return the digest that every build of `source` must have; the folder has small and large files."""
    for number in range(30):
        (source / "lib" / f"part{number}.py").write_text(f"VALUE = {number}\n" * 2000)
    (source / "lib" / "noise.bin").write_bytes(DICE.randbytes(30_000))
    (source / "lib" / "ümlaut.txt").write_text("größer\n" * 500, encoding="utf-8")
    (source / "lib" / "large.txt").write_text("words and words " * 200_000)
    return pack(source, out).sha256


def _packed_by(source, out, *, python=sys.executable, environment=None, cwd=None, **identity):
    env = {"PATH": os.environ["PATH"], **(environment or {})}
    command = [python, "-B", "-c", PACK, str(source), str(out)]
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False, **identity)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_the_environment_does_not_show(source, wanted, tmp_path, environment):
    assert _packed_by(source, tmp_path / "again", environment=environment) == wanted


def test_repeated_runs_give_the_same_bytes(source, wanted, out):
    assert {pack(source, out).sha256 for _ in range(10)} == {wanted}


def _copy(source, target):
    """Copy a tree in reverse order, with other times and folder modes."""
    for path in sorted(source.rglob("*"), reverse=True):
        if path.is_file():
            copied = target / path.relative_to(source)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copied)
            os.utime(copied, (1_000_000_000, 1_000_000_000))
    return target


def test_a_copied_tree_gives_the_same_bytes(source, wanted, tmp_path):
    copied = _copy(source, tmp_path / "far away" / "copy")
    copied.chmod(0o700)
    assert _packed_by(".", "../out", cwd=copied) == wanted


def test_permission_bits_but_the_owners_execute_do_not_show(source, wanted, out):
    (source / "main.py").chmod(0o666)
    (source / "lib" / "run.sh").chmod(0o711)
    assert pack(source, out).sha256 == wanted


def test_the_order_of_a_folder_does_not_show(source, wanted, out, monkeypatch):
    real = os.scandir

    class Reversed:
        def __init__(self, path):
            with real(path) as entries:
                self.entries = list(entries)[::-1]

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(os, "scandir", Reversed)
    assert pack(source, out).sha256 == wanted


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no second file system")
def test_another_file_system_gives_the_same_bytes(source, wanted, tmp_path):
    other = Path("/dev/shm") / f"{tmp_path.parent.name}-{tmp_path.name}-{os.getpid()}"
    try:
        assert _copy(source, other / "demo").stat().st_dev != source.stat().st_dev
        assert _packed_by(other / "demo", other / "out") == wanted
    finally:
        shutil.rmtree(other, ignore_errors=True)


def test_another_user_gives_the_same_bytes(source, wanted):
    places = [path for path in sys.path if path and Path(path).is_dir() and not path.startswith(sys.base_prefix)]
    with ordinary_user("pack") as identity:
        code = f"import sys; sys.path[:0] = {places!r}; import mobileops.toolchain.pack"
        made = subprocess.run(["mktemp", "-d"], **identity, capture_output=True, text=True, check=True)
        folder = Path(made.stdout.strip())
        try:
            copied = _copy(source, folder / "demo")
            for path in (copied, *copied.rglob("*")):
                os.chown(path, identity.get("user", -1), identity.get("group", -1))
            environment = {"PYTHONPATH": ":".join(places)}
            with python_for(identity, code) as python:
                assert _packed_by(copied, folder / "out", python=python, environment=environment, **identity) == wanted
            assert (folder / "out" / "demo-1.0.0.zip").stat().st_uid == identity.get("user", os.getuid())
        finally:
            shutil.rmtree(folder, ignore_errors=True)
