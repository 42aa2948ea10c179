"""What breaks under a plugin manager: the zygote, and what plugins exhaust; as root and not."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
import uv

from tests.integration.conftest import CHECKOUT, gone, kill, processes_of, wait_until

#: Each runs as the account that pytest runs as: a dead broker, a full disk, no descriptors left, a fork bomb, too much
#: memory, too much processor time, a dead zygote.
FAULTS = (
    "tests/unit/runtime/launching/test_brokering.py",
    "tests/unit/runtime/launching/test_launcher.py",
    "tests/unit/runtime/launching/test_places.py",
    "tests/unit/runtime/instances/test_overuse.py",
    "tests/unit/runtime/instances/test_processor_time.py",
    "tests/unit/runtime/supervision/test_exhaustion.py",
)
TIMEOUT_S = 900


@pytest.fixture(scope="module")
def tests_as_user(product, ordinary, base):
    """Run tests of this checkout as the ordinary user, whatever stands before the interpreter."""
    installer = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", str(product)]
    subprocess.run([*installer, "pytest>=8", "hypothesis>=6", "numpy>=2"], check=True)
    for path in product.parents[1].rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))

    def run(tests, *, before=(), identity=ordinary):
        folder = Path(tempfile.mkdtemp(dir=base))
        os.chown(folder, ordinary["user"], ordinary["group"])
        options = ("-q", "-p", "no:cacheprovider", "--basetemp", str(folder / "t"))
        done = subprocess.run(
            [*before, str(product), "-B", "-m", "pytest", *options, *tests],
            cwd=CHECKOUT,
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(folder),
                "TMPDIR": str(folder),
                "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
            },
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            **identity,
        )
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
        return done.stdout

    return run


@pytest.mark.root
def test_every_fault_is_contained_for_an_ordinary_user_too(tests_as_user):
    tests_as_user(FAULTS)


@pytest.mark.root
def test_an_ordinary_user_whose_unit_gives_the_right_to_bind_can_listen_on_a_privileged_port(tests_as_user, ordinary):
    account = [f"--reuid={ordinary['user']}", f"--regid={ordinary['group']}", "--clear-groups"]
    given = ["--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"]
    said = tests_as_user([*FAULTS[:1], "-k", "privileged_port"], before=["setpriv", *account, *given], identity={})
    assert "1 passed" in said


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_plugins_are_started_again_after_their_zygote_was_killed(installed):
    """The template is a service: it is started again like after any other crash, by a new zygote."""
    installed.ok("start", "my-plugin")
    (manager,) = processes_of(installed.home)
    before = installed.json("status", "my-plugin", "--json")["pid"]
    zygotes = children(manager)
    for zygote in zygotes:
        kill(zygote)
    wait_until(lambda: gone(before))

    def again() -> bool:
        now = installed.json("status", "my-plugin", "--json")
        return now["state"] == "running" and now["pid"] != before

    wait_until(again, timeout_s=30)
    assert not set(children(manager)) & set(zygotes)
    assert "version" in installed.ok("call", "my-plugin", "get_status")
