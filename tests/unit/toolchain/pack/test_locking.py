"""Locking and vendoring for targets: any platform and Python from any machine, or one screen that says why not."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import json
import os
import subprocess
import sys
import tarfile
import threading

import pytest

from mobileops.bundle import SBOM_MEMBER, open_bundle
from mobileops.errors import HostFault, PackagingError
from mobileops.manifest import VersionRange
from mobileops.toolchain.pack import PackCode, lock, pack, parse_target
from mobileops.toolchain.pack.resolver_words import MAX_LINES, explain
from mobileops.toolchain.pack.targets import PYTHON_MINORS, pythons_in, running
from tests.fakes.wheels import write_wheel

ONE_SCREEN = 24


@pytest.fixture
def wheels(tmp_path):
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder


def _native(folder, name="fast", version="1.0", machines=("x86_64", "aarch64"), pythons=(11, 12), glibc=17, **options):
    for machine in machines:
        for minor in pythons:
            tag = f"cp3{minor}-cp3{minor}-manylinux_2_{glibc}_{machine}"
            write_wheel(folder, name, version, {f"{name}/native.so": f"ELF {machine} {minor}"}, tag=tag, **options)


def _depend(source, *dependencies, python=None):
    manifest = json.loads((source / "plugin.json").read_text())
    compatibility = {"compatibility": {"python_version": python}} if python else {}
    (source / "plugin.json").write_text(json.dumps({**manifest, "dependencies": list(dependencies), **compatibility}))


def _refusal(source, wheels, **options):
    with pytest.raises(PackagingError) as error:
        lock(source, wheels=wheels, **options)
    assert len(str(error.value).splitlines()) <= ONE_SCREEN
    return error.value


def _member(packed, name):
    with open_bundle(packed.path) as bundle:
        return bundle.read(name, limit=1 << 20)


def test_a_lock_is_for_every_declared_python_and_platform_and_names_its_wheels(source, wheels):
    _native(wheels, pythons=(11, 12, 13))
    _depend(source, "fast", python=">=3.11,<3.13")
    locked = lock(source, wheels=wheels)
    lines = locked.path.read_text().splitlines()
    assert lines[1] == "# for: linux_aarch64-cp311 linux_aarch64-cp312 linux_x86_64-cp311 linux_x86_64-cp312"
    named = [line.split()[2] for line in lines if line.startswith("# wheel: ")]
    assert len(named) == 4
    assert sum("--hash" in line for line in lines) == 4
    assert not any("cp313" in name for name in named)


@pytest.mark.parametrize("tag", ["linux_aarch64-cp312", "linux_x86_64-cp311"])
def test_a_bundle_for_another_machine_and_python_has_its_wheels_and_its_name(source, wheels, out, tag):
    _native(wheels)
    _depend(source, "fast", python=">=3.11,<3.13")
    lock(source, wheels=wheels)
    packed = pack(source, out, wheels=wheels, target=parse_target(tag))
    assert packed.path.name == f"demo-1.0.0-{tag}.zip"
    machine, minor = tag.removeprefix("linux_").split("-cp3")
    assert _member(packed, "vendor/fast/native.so").decode() == f"ELF {machine} {minor}"


def test_the_sbom_has_the_hash_of_the_one_wheel_that_is_inside(source, wheels, out):
    _native(wheels)
    _depend(source, "fast", python=">=3.11,<3.13")
    lock(source, wheels=wheels)
    packed = pack(source, out, wheels=wheels, target=parse_target("linux_aarch64-cp312"))
    (component,) = json.loads(_member(packed, SBOM_MEMBER))["components"]
    wheel = wheels / "fast-1.0-cp312-cp312-manylinux_2_17_aarch64.whl"
    assert component["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(wheel.read_bytes()).hexdigest()}]


def test_a_bundle_without_native_code_has_what_any_declared_python_wants(source, wheels, out):
    write_wheel(wheels, "old", "1.0")
    write_wheel(wheels, "new", "1.0")
    _depend(source, "old; python_version < '3.12'", "new; python_version >= '3.13'", python=">=3.11")
    lock(source, wheels=wheels)
    packed = pack(source, out, wheels=wheels)
    assert packed.path.name == "demo-1.0.0.zip"
    assert {"vendor/old/__init__.py", "vendor/new/__init__.py"} <= set(packed.members)


def test_two_versions_for_two_pythons_need_two_bundles(source, wheels, out):
    for version in ("1.0", "2.0"):
        write_wheel(wheels, "dep", version)
    _depend(source, "dep<2; python_version < '3.12'", "dep>=2; python_version >= '3.12'", python=">=3.11,<3.13")
    lock(source, wheels=wheels)
    with pytest.raises(PackagingError) as error:
        pack(source, out, wheels=wheels)
    assert error.value.code == PackCode.TWO_VERSIONS
    packed = pack(source, out, wheels=wheels, target=parse_target("linux_x86_64-cp312"))
    assert _member(packed, "vendor/dep/__init__.py") == b"VERSION = '2.0'\n"


def test_targets_without_wheels_are_reported_and_the_lock_is_for_the_others(source, wheels, out):
    _native(wheels, machines=("x86_64",), pythons=(11, 12))
    _depend(source, "fast", python=">=3.11,<3.13")
    locked = lock(source, wheels=wheels)
    assert {str(one.target) for one in locked.missing} == {"linux_aarch64-cp311", "linux_aarch64-cp312"}
    with pytest.raises(PackagingError) as error:
        pack(source, out, wheels=wheels, target=parse_target("linux_aarch64-cp311"))
    assert error.value.code == PackCode.NOT_LOCKED_FOR
    assert "linux_x86_64-cp311" in error.value.why


def test_a_platform_that_is_asked_for_must_have_wheels_and_the_chain_says_who_wants_them(source, wheels):
    _native(wheels, machines=("x86_64",))
    write_wheel(wheels, "middle", "1.0", requires=["fast"])
    write_wheel(wheels, "top", "1.0", requires=["middle"])
    _depend(source, "top", python=">=3.11,<3.13")
    error = _refusal(source, wheels, platforms=["linux_aarch64"])
    assert error.code == PackCode.NO_WHEEL
    assert "fast 1.0 has no wheel for linux_aarch64-cp311 and 1 more" in error.what
    assert "demo needs top needs middle needs fast" in error.why
    assert "--platform" in error.fix


def test_a_wheel_for_a_newer_c_library_than_devices_have_is_not_taken(source, wheels):
    _native(wheels, glibc=35)
    _depend(source, "fast", python=">=3.11,<3.13")
    assert _refusal(source, wheels).code == PackCode.NO_WHEEL


def test_a_contradiction_names_what_to_relax(source, wheels):
    for version in ("1.0", "2.0"):
        write_wheel(wheels, "base", version)
    write_wheel(wheels, "one", "1.0", requires=["base<2"])
    write_wheel(wheels, "two", "1.0", requires=["base>=2"])
    _depend(source, "one", "two")
    error = _refusal(source, wheels)
    assert error.code == PackCode.CONFLICT
    assert "contradict" in error.what
    assert "base" in error.why
    assert "relax one or two" in error.fix


def test_a_package_that_does_not_run_on_a_declared_python_says_what_to_declare(source, wheels):
    write_wheel(wheels, "modern", "1.0", headers=["Requires-Python: >=3.13"])
    _depend(source, "modern", python=">=3.11")
    error = _refusal(source, wheels)
    assert error.code == PackCode.PYTHON_CONFLICT
    assert "compatibility.python_version to '>=3.13'" in error.fix


BUILT_BY_ITSELF = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
BACKEND = """
import zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "source-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr("source.py", "BUILT = True\\n")
        wheel.writestr("source-1.0.dist-info/METADATA", "Metadata-Version: 2.2\\nName: source\\nVersion: 1.0\\n")
        wheel.writestr("source-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr("source-1.0.dist-info/RECORD", "")
    return name
"""


def _sdist(folder):
    """Write a source distribution that needs nothing else to be built."""
    metadata = "Metadata-Version: 2.2\nName: source\nVersion: 1.0\n"
    with tarfile.open(folder / "source-1.0.tar.gz", "w:gz") as archive:
        for name, text in {"PKG-INFO": metadata, "pyproject.toml": BUILT_BY_ITSELF, "backend.py": BACKEND}.items():
            info = tarfile.TarInfo(f"source-1.0/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))


def test_source_code_is_not_built_unless_that_is_allowed(source, wheels, out):
    _sdist(wheels)
    _depend(source, "source")
    assert _refusal(source, wheels).code in {PackCode.NO_WHEEL, PackCode.CONFLICT}
    text = lock(source, wheels=wheels, allow_sdist=True).path.read_text()
    assert "# sdists: allowed\n" in text
    digest = hashlib.sha256((wheels / "source-1.0.tar.gz").read_bytes()).hexdigest()
    assert f"--hash=sha256:{digest}" in text
    other = "aarch64" if running().machine == "x86_64" else "x86_64"
    with pytest.raises(PackagingError, match="built from source"):
        pack(source, out, wheels=wheels, target=parse_target(f"linux_{other}-cp311"))


def test_source_code_is_built_when_that_is_allowed(source, wheels, out):
    _sdist(wheels)
    _depend(source, "source")
    lock(source, wheels=wheels, allow_sdist=True)
    with open_bundle(pack(source, out, wheels=wheels).path) as bundle:
        assert bundle.read("vendor/source.py", limit=100) == b"BUILT = True\n"


def test_what_is_left_out_of_wheels_is_named_and_licences_stay(source, wheels, out):
    files = {"dep/__init__.py": "", "dep/lib.a": "!", "dep/old.pyc": "x"}
    write_wheel(wheels, "dep", "1.0", files)
    _depend(source, "dep")
    lock(source, wheels=wheels)
    packed = pack(source, out, wheels=wheels)
    assert dict(packed.excluded)["vendor/bin/dep-script"].startswith("script")
    assert dict(packed.excluded)["vendor/dep/lib.a"] == "static library"
    assert dict(packed.excluded)["vendor/dep/old.pyc"] == "bytecode"
    assert "vendor/dep-1.0.dist-info/RECORD" in dict(packed.excluded)
    assert "vendor/dep-1.0.dist-info/licenses/LICENSE" in packed.members


@pytest.mark.parametrize("text", ["windows_amd64", "linux_sparc", "linux_x86_64-cp39", "linux_x86_64-cp399", "", "x\n"])
def test_a_platform_that_bundles_are_not_made_for_is_an_error_that_lists_them(text):
    with pytest.raises(PackagingError) as error:
        parse_target(text)
    assert error.value.code == PackCode.NO_TARGET
    assert "linux_aarch64" in error.value.why


def test_a_platform_without_a_python_means_the_running_one():
    assert str(parse_target("linux_aarch64")).endswith(f"-cp3{sys.version_info.minor}")


def test_the_pythons_of_a_range():
    assert pythons_in(None) == PYTHON_MINORS
    assert pythons_in(VersionRange.parse(">=3.11.4,<3.13")) == (11, 12)
    with pytest.raises(PackagingError) as error:
        pythons_in(VersionRange.parse("<3.9"))
    assert error.value.code == PackCode.NO_PYTHON


@pytest.mark.parametrize(
    ("stderr", "code"),
    [
        ("error: Request failed after 3 retries\n  cause: dns error\n", "MOP2474"),
        (
            "error: No solution\n  cause: Because a was not found in the package registry and you require a,\n",
            "MOP2470",
        ),
        (
            "  x No solution found:\n  ╰─▶ Because only a==1 has no wheels with a matching tag and you require a.",
            "MOP2472",
        ),
        ("  x No solution:\n  ╰─▶ Because there is no version of a==9 and you require a==9", "MOP2471"),
        ("error: Hash mismatch for `a==1`\n", "MOP2418"),
        ("", "MOP2418"),
    ],
)
def test_what_uv_says_gets_a_code_and_advice(stderr, code):
    with pytest.raises((PackagingError, HostFault)) as error:
        explain(stderr, code=PackCode.LOCK_FAILED, what="the dependencies cannot be resolved")
    assert error.value.code == code
    assert error.value.fix
    assert "╰" not in str(error.value)


def test_a_long_derivation_fits_a_screen():
    stderr = "error: No solution\n cause: " + "\n  ".join(
        f"And because a{n} depends on b{n}, it is so." for n in range(99)
    )
    with pytest.raises(PackagingError) as error:
        explain(stderr, code=PackCode.LOCK_FAILED, what="x")
    assert len(error.value.why.splitlines()) == MAX_LINES
    assert "more steps" in error.value.why


class _Index(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def index(tmp_path, wheels, monkeypatch):
    """Serve the wheels as an index (PEP 503) on loopback until the test stops it."""
    write_wheel(wheels, "remote", "1.0")
    page = tmp_path / "wheels" / "remote"
    page.mkdir()
    (page / "index.html").write_text('<a href="../remote-1.0-py3-none-any.whl">remote-1.0-py3-none-any.whl</a>')
    handler = functools.partial(_Index, directory=str(wheels))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _pack_without_network(source, out):
    """Pack in a network namespace that has nothing, not even loopback."""
    code = "import sys; from pathlib import Path; from mobileops.toolchain.pack import pack; "
    code += "print(pack(Path(sys.argv[1]), Path(sys.argv[2])).sha256)"
    unshare = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    command = [*unshare, sys.executable, "-c", code, str(source), str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_is_in_the_cache_is_packed_without_any_network(source, out, index, tmp_path, monkeypatch):
    _depend(source, "remote")
    lock(source)
    sha256 = pack(source, out).sha256
    run = _pack_without_network(source, tmp_path / "again")
    assert (run.returncode, run.stdout.strip()) == (0, sha256), run.stderr
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    control = _pack_without_network(source, tmp_path / "control")
    assert control.returncode == 1
    assert "MOP2474" in control.stderr
