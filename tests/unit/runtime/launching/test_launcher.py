"""The real launcher with a real zygote: every plugin here is sandboxed."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import signal
import socket
import tempfile
from pathlib import Path

import msgspec
import pytest

from mobileops.errors import HostFault, IsolationRefused
from mobileops.runtime.isolation.credentials import UID_BASE, plugin_uid
from mobileops.runtime.isolation.policy import Grant, Limits, SandboxPolicy
from mobileops.runtime.launching.launched import Exit
from mobileops.runtime.launching.launcher import ASSIGNMENT_LIMIT_BYTES, Launcher

PATIENCE_S = 20
LIMITS = Limits(memory_bytes=256 << 20, processes=32, open_files=64, file_size_bytes=1 << 20)
PLUGIN = """
import os, sys, time
import msgspec

def echo(channel, assignment):
    channel.sendall(msgspec.msgpack.encode(assignment))

def wait(channel, assignment):
    channel.sendall(b"up")
    channel.recv(1)

def leave(channel, assignment):
    sys.exit(assignment["code"])

def fail(channel, assignment):
    print("on stdout")
    raise ValueError("on stderr")

def keep(channel, assignment):
    open("/data/kept", "w").write("kept")

def debugged(channel, assignment):
    import socket
    told = assignment["debugger"]
    word, descriptors, _flags, _address = socket.recv_fds(socket.socket(fileno=told["socket"]), 16, 1)
    with socket.socket(fileno=descriptors[0]) as editor:
        editor.sendall(b"%s %s" % (word, open(told["package"] + "/mark").read().encode()))
    try:
        open(told["package"] + "/written", "w")
    except OSError as error:
        channel.sendall(error.strerror.encode())

def modules(channel, assignment):
    channel.sendall(" ".join(sorted(sys.modules)).encode())
"""


@pytest.fixture(scope="module")
def base():
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        (path / "plugins" / "p").mkdir(parents=True)
        (path / "plugins" / "p" / "entries.py").write_text(PLUGIN)
        for entry in (path / "plugins", path / "plugins" / "p"):
            entry.chmod(0o755)
        (path / "plugins" / "p" / "entries.py").chmod(0o644)
        yield path


@pytest.fixture
def launcher(base):
    with Launcher(plugins=base / "plugins", data=base / "data") as running:
        yield running


@pytest.fixture
def start(base, launcher):
    """Start an entry of the test plugin; everything it opened is closed afterwards."""
    opened = []

    def launch(entry, assignment=(), **changes):
        policy = policy_of(base, **changes)
        opened.append(launcher.launch(policy, dict(assignment), entry=f"entries:{entry}"))
        return opened[-1]

    yield launch
    for launched in opened:
        launched.channel.close()
        os.close(launched.output)
        os.close(launched.pidfd)


def policy_of(base, *, app="plugins/p", data="data/p", uid=..., **more):
    uid = plugin_uid(0) if uid is ... else uid
    return SandboxPolicy("p", str(base / app), str(base / data), uid, LIMITS, **more)


def received(launched):
    launched.channel.settimeout(PATIENCE_S)
    parts = []
    while part := launched.channel.recv(65536):
        parts.append(part)
    return b"".join(parts)


def exits(launcher, count):
    found = []
    while len(found) < count:
        assert select.select([launcher], [], [], PATIENCE_S)[0]
        found += launcher.read_exits()
    return found


def ended(pidfd):
    return bool(select.select([pidfd], [], [], PATIENCE_S)[0])


def test_the_assignment_arrives_as_it_was_sent(start):
    assignment = {"text": "ä", "bytes": b"\0", "nested": [{"n": 1.5}, None]}
    assert msgspec.msgpack.decode(received(start("echo", assignment))) == {**assignment, "arena": 5}


def test_an_assignment_of_a_megabyte_arrives(start):
    assert len(received(start("echo", {"data": bytes(1 << 20)}))) > 1 << 20


def test_an_assignment_beyond_the_limit_is_refused_before_anything_starts(start, launcher):
    with pytest.raises(IsolationRefused, match="request") as caught:
        start("echo", {"data": bytes(ASSIGNMENT_LIMIT_BYTES)})
    assert caught.value.code == "MOP4013"
    assert launcher.read_exits() == []


def test_an_exit_code_is_reported(start, launcher):
    launched = start("leave", {"code": 7})
    assert exits(launcher, 1) == [Exit(launched.launch_id, 7)]


def test_a_signal_is_reported_as_its_negative_number(start, launcher):
    launched = start("wait")
    signal.pidfd_send_signal(launched.pidfd, signal.SIGKILL)
    assert exits(launcher, 1) == [Exit(launched.launch_id, -signal.SIGKILL)]


def test_output_and_errors_come_through_one_pipe(start, launcher):
    launched = start("fail")
    assert exits(launcher, 1)[0].status == 1
    text = os.read(launched.output, 65536).decode()
    assert "on stdout" in text
    assert "ValueError: on stderr" in text


def test_an_entry_that_does_not_exist_fails_on_the_plugins_own_output(start, launcher):
    launched = start("no_such_function")
    assert exits(launcher, 1)[0].status == 1
    assert b"no_such_function" in os.read(launched.output, 65536)


def test_the_pid_is_the_one_of_this_side(start):
    launched = start("wait")
    assert f"\npid:\t{launched.pid}\n" in Path(f"/proc/{launched.pid}/status").read_text().lower()


def test_a_plugin_has_everything_imported_that_it_needs(start):
    assert {b"json", b"threading", b"logging", b"msgspec"} <= set(received(start("modules")).split())


def test_the_data_directory_is_made_private_and_lasts(start, launcher, base):
    start("keep", data="data/keeper")
    exits(launcher, 1)
    assert (base / "data" / "keeper").stat().st_mode & 0o777 == 0o700
    assert (base / "data" / "keeper" / "kept").read_text() == "kept"


@pytest.mark.root
def test_a_root_manager_gives_the_data_to_the_plugins_own_uid(start, base):
    received(start("echo", data="data/owned"))
    assert (base / "data" / "owned").stat().st_uid == UID_BASE + 1


@pytest.mark.root
def test_nothing_below_a_root_manager_is_root(start, launcher):
    launched = start("wait")
    for pid in (launcher.pid, launched.pid):
        assert Path(f"/proc/{pid}").stat().st_uid >= UID_BASE


def test_a_link_in_place_of_the_data_directory_is_refused(start, base):
    (base / "elsewhere").mkdir()
    (base / "data" / "linked").symlink_to(base / "elsewhere")
    with pytest.raises(IsolationRefused) as caught:
        start("keep", data="data/linked")
    assert caught.value.code == "MOP4011"
    assert list((base / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    "changes",
    [{"app": "elsewhere"}, {"app": "plugins"}, {"app": "plugins/../data"}, {"data": "data/a/b"}, {"data": "data"}],
)
def test_directories_that_are_not_of_this_store_are_refused(start, changes):
    with pytest.raises(IsolationRefused) as caught:
        start("echo", **changes)
    assert caught.value.code == "MOP4011"


def test_a_missing_version_is_refused_at_the_step_that_needs_it(start, launcher):
    with pytest.raises(IsolationRefused, match="'app'") as caught:
        start("echo", app="plugins/p/missing")
    assert caught.value.code == "MOP4011"
    assert launcher.read_exits() == []


def test_a_linked_version_is_refused(start, base):
    with contextlib.suppress(FileExistsError):
        (base / "plugins" / "link").symlink_to("p")
    with pytest.raises(IsolationRefused, match="'app'"):
        start("echo", app="plugins/link")


def test_a_failed_launch_does_not_disturb_the_others(start, base):
    first = start("wait")
    with pytest.raises(IsolationRefused):
        start("echo", app="plugins/p/missing")
    assert first.channel.recv(2) == b"up"
    assert received(start("echo", {"n": 1}))


def test_an_exit_during_a_launch_is_not_lost(start, launcher):
    early = [start("leave", {"code": code}).launch_id for code in (1, 2, 3)]
    start("wait")
    assert {(one.launch_id, one.status) for one in exits(launcher, 3)} == set(zip(early, (1, 2, 3), strict=True))


def test_closing_ends_every_plugin(start, launcher):
    launched = [start("wait"), start("wait")]
    launcher.close()
    assert all(ended(one.pidfd) for one in launched)
    launcher.close()


def test_a_zygote_that_is_killed_takes_its_plugins_along_and_they_are_reported(start, launcher):
    launched = start("wait")
    os.kill(launcher.pid, signal.SIGKILL)
    assert exits(launcher, 1) == [Exit(launched.launch_id, -signal.SIGKILL)]
    assert ended(launched.pidfd)
    assert not launcher.alive


def test_launching_without_a_zygote_is_a_fault_of_the_host(base):
    stopped = Launcher(plugins=base / "plugins", data=base / "data")
    with pytest.raises(HostFault) as caught:
        stopped.launch(policy_of(base), {})
    assert caught.value.code == "MOP4012"
    assert stopped.read_exits() == []


def test_launching_after_the_zygote_was_killed_is_a_fault_of_the_host(start, launcher):
    zygote = os.pidfd_open(launcher.pid)
    os.kill(launcher.pid, signal.SIGKILL)
    assert ended(zygote)
    os.close(zygote)
    with pytest.raises(HostFault) as caught:
        start("wait")
    assert caught.value.code == "MOP4012"


def test_a_zygote_that_does_not_answer_is_killed(start, launcher, monkeypatch):
    launched = start("wait")
    monkeypatch.setattr("mobileops.runtime.launching.conversation.LAUNCH_TIMEOUT_S", 0.05)
    stopped = os.pidfd_open(child_of(launcher.pid))
    signal.pidfd_send_signal(stopped, signal.SIGSTOP)
    with pytest.raises(HostFault):
        start("wait")
    assert exits(launcher, 1) == [Exit(launched.launch_id, -signal.SIGKILL)]
    os.close(stopped)


def child_of(pid):
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())


def test_a_store_below_the_python_installation_is_refused(base, monkeypatch):
    monkeypatch.setattr("mobileops.runtime.launching.spawning.sys.base_prefix", str(base))
    with pytest.raises(IsolationRefused) as caught:
        Launcher(plugins=base / "plugins", data=base / "data").start()
    assert caught.value.code == "MOP4003"


def test_an_interpreter_that_cannot_run_inside_is_refused_by_name(base, monkeypatch, tmp_path):
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nexec /usr/bin/python3 "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr("mobileops.runtime.launching.spawning.sys.executable", str(python))
    with pytest.raises(IsolationRefused) as caught:
        Launcher(plugins=base / "plugins", data=base / "data").start()
    assert caught.value.code == "MOP4012"


def test_a_launcher_leaves_no_descriptors_behind(base):
    before = len(list(Path("/proc/self/fd").iterdir()))
    with Launcher(plugins=base / "plugins", data=base / "data") as launcher:
        with pytest.raises(IsolationRefused):
            launcher.launch(policy_of(base, app="plugins/none"), {})
        launched = launcher.launch(policy_of(base), {}, entry="entries:echo")
        launched.channel.close()
        os.close(launched.output)
        os.close(launched.pidfd)
        os.close(launched.arena)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(("namespaces", "refusal"), [(True, b"Read-only file system"), (False, b"Permission denied")])
def test_in_debug_mode_an_editor_is_handed_in_and_the_debugger_can_be_read(base, namespaces, refusal):
    """Nothing of both is there without debug mode: tests/integration/test_debugging.py."""
    package = base / "debugpy"
    package.mkdir(exist_ok=True)
    (package / "mark").write_text("found")
    for path in (package, package / "mark"):
        path.chmod(0o755)
    grant = Grant(str(package), read=True, write=False, inside="/debugger")
    identity = {} if namespaces else {"uid": None}  # without them it runs the host's own Python, which may be root's
    policy = policy_of(base, grants=(grant,), debugger=str(package), **identity)
    with Launcher(plugins=base / "plugins", data=base / "data", namespaces=namespaces) as launcher:
        launched = launcher.launch(policy, {}, entry="entries:debugged")
        ours, theirs = socket.socketpair()
        with launched.debugger, launched.channel, ours:
            ours.settimeout(PATIENCE_S)
            with theirs:
                socket.send_fds(launched.debugger, [b"editor"], [theirs.fileno()])
            assert ours.recv(100) == b"editor found"
            assert received(launched) == refusal
        os.close(launched.output)
        os.close(launched.pidfd)


def test_a_start_that_fails_in_debug_mode_leaves_no_descriptor(base, launcher):
    before = len(list(Path("/proc/self/fd").iterdir()))
    policy = dataclasses.replace(policy_of(base, app="plugins/none"), debugger="/nowhere")
    with pytest.raises(IsolationRefused):
        launcher.launch(policy, {}, entry="entries:echo")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
