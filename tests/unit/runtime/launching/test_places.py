"""Granted paths of the host, through the real launcher: what a grant opens, and what no grant and no link opens."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import threading
from pathlib import Path

import pytest

from mobileops.errors import IsolationRefused
from mobileops.runtime.isolation.credentials import plugin_uid
from mobileops.runtime.isolation.policy import Grant, Limits, SandboxPolicy
from mobileops.runtime.isolation.rootfs import GENERATED
from mobileops.runtime.launching.launcher import Launcher

LIMITS = Limits(memory_bytes=256 << 20, processes=32, open_files=64, file_size_bytes=1 << 20)
PLUGIN = """
import json, os
from pathlib import Path

ACTS = {
    "read": lambda path: Path(path).read_text(),
    "list": lambda path: sorted(os.listdir(path)),
    "write": lambda path: Path(path).write_text("plugin"),
    "touch": lambda path: os.close(os.open(path, os.O_WRONLY | os.O_CREAT)),
    "symlink": lambda path: os.symlink("/etc/passwd", path),
    "fifo": os.mkfifo,
    "unlink": os.unlink,
    "run": lambda path: os.execv(path, [path]),
    "variable": lambda name: os.environ.get(name),
    "exists": os.path.lexists,
}

def main(channel, acts):
    answers = []
    for act, path in acts["acts"]:
        try:
            answers.append(ACTS[act](path))
        except OSError as error:
            answers.append(type(error).__name__)
    channel.sendall(json.dumps(answers).encode())
"""


@pytest.fixture(scope="module")
def base():
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:  # the sandbox has a /tmp of its own
        path = Path(name).resolve()
        (path / "home" / "plugins" / "p").mkdir(parents=True)
        (path / "home" / "plugins" / "p" / "acting.py").write_text(PLUGIN)
        (path / "home" / "key").write_text("private")
        (path / "files" / "deep").mkdir(parents=True)
        for file in ("files/one", "files/deep/two", "secret"):
            (path / file).write_text(file)
        for one in (path, *path.rglob("*")):
            one.chmod(0o777 if one.is_dir() else 0o666)
        yield path


@pytest.fixture(scope="module")
def launcher(base):
    home = base / "home"
    with Launcher(plugins=home / "plugins", data=home / "data", private=(home,)) as running:
        yield running


@pytest.fixture
def act(base, launcher):
    """Start a plugin with grants, let it do things, return what came of each."""

    def run(*acts, read=(), write=(), environment=None):
        asked = sorted({*read, *write}, key=lambda path: (str(path).count("/"), str(path)))
        grants = tuple(Grant(str(path), read=path in read, write=path in write) for path in asked)
        home = base / "home"
        policy = SandboxPolicy(
            "p", str(home / "plugins" / "p"), str(home / "data" / "p"), plugin_uid(0), LIMITS, grants=grants
        )
        assignment = {"acts": [(name, str(path)) for name, path in acts]}
        launched = launcher.launch(policy, assignment, entry="acting:main", environment=environment)
        launched.channel.settimeout(20)
        data = b""
        while part := launched.channel.recv(65536):
            data += part
        launched.channel.close()
        noise = os.read(launched.output, 65536)
        os.close(launched.output)
        os.close(launched.pidfd)
        assert data, noise
        return json.loads(data), launched.absent

    return run


def test_nothing_of_the_host_is_there_without_a_grant(act, base):
    answers, _ = act(("exists", base / "files"), ("exists", base), ("exists", "/var"), ("read", base / "secret"))
    assert answers == [False, False, False, "FileNotFoundError"]


def test_a_granted_folder_is_read_at_its_own_path_and_nothing_beside_it(act, base):
    files = base / "files"
    answers, _ = act(
        ("read", files / "deep" / "two"), ("list", files), ("list", base), ("exists", base / "secret"), read=[files]
    )
    assert answers == ["files/deep/two", ["deep", "one"], "PermissionError", False]


def test_reading_does_not_imply_writing(act, base):
    files = base / "files"
    answers, _ = act(("write", files / "one"), ("touch", files / "new"), ("unlink", files / "one"), read=[files])
    assert answers == ["OSError"] * 3
    assert (files / "one").read_text() == "files/one"


def test_writing_does_not_imply_reading_and_makes_no_links_and_no_pipes(act, base):
    out = base / "out"
    out.mkdir()
    out.chmod(0o777)
    acts = (
        ("write", out / "new"),
        ("read", out / "new"),
        ("list", out),
        ("symlink", out / "link"),
        ("fifo", out / "pipe"),
    )
    answers, _ = act(*acts, write=[out])
    assert answers == [6, "PermissionError", "PermissionError", "PermissionError", "PermissionError"]
    assert (out / "new").read_text() == "plugin"
    assert [path.name for path in out.iterdir()] == ["new"]


def test_a_single_file_can_be_granted(act, base):
    one = base / "files" / "one"
    answers, _ = act(("read", one), ("exists", base / "files" / "deep"), read=[one])
    assert answers == ["files/one", False]


def test_a_folder_in_a_granted_one_can_be_written_when_only_it_was_granted_so(act, base):
    files, deep = base / "files", base / "files" / "deep"
    answers, _ = act(
        ("touch", deep / "new"), ("touch", files / "new"), ("read", deep / "two"), read=[files], write=[deep]
    )
    assert answers == [None, "OSError", "files/deep/two"]
    (deep / "new").unlink()


def test_a_granted_program_is_not_run(act, base):
    program = base / "files" / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    answers, _ = act(("run", program), read=[base / "files"])
    assert answers == ["PermissionError"]
    program.unlink()


def test_everywhere_shows_the_host_but_not_the_plugin_managers_own(act, base):
    home, own = base / "home", GENERATED["/etc/resolv.conf"].decode()
    answers, _ = act(
        ("read", base / "secret"), ("read", "/etc/passwd"), ("read", home / "key"), ("list", home), ("list", "/data"),
        ("read", "/etc/resolv.conf"), read=["/"],
    )  # fmt: skip
    assert answers == ["secret", Path("/etc/passwd").read_text(), "PermissionError", "PermissionError", [], own]


@pytest.mark.parametrize("inside", ["", "plugins", "data/other", "key"])
def test_the_plugin_managers_own_is_never_granted(act, base, inside):
    with pytest.raises(IsolationRefused) as caught:
        act(read=[base / "home" / inside])
    assert caught.value.code == "MOP4014"


def test_a_file_in_a_folder_that_the_sandbox_generates_appears_beside_what_is_there(act):
    answers, _ = act(("read", "/etc/passwd"), ("exists", "/etc/group"), ("read", "/etc/hosts"), read=["/etc/passwd"])
    assert answers[0] == Path("/etc/passwd").read_text()
    assert answers[1] is False
    assert "localhost" in answers[2]


def test_what_one_plugin_was_granted_is_not_there_for_the_next(act, base):
    act(read=[base / "files"])
    answers, _ = act(("exists", "/var"), ("exists", base / "files"))
    assert answers == [False, False]


def test_a_path_that_does_not_exist_is_absent_and_named(act, base):
    answers, absent = act(("exists", base / "nothing"), read=[base / "nothing"])
    assert (answers, absent) == ([False], (str(base / "nothing"),))


@pytest.mark.parametrize("link", ["last", "middle"])
def test_a_link_in_a_granted_path_is_refused_whatever_it_leads_to(act, base, link):
    (base / link).symlink_to(base / "files")
    path = base / link if link == "last" else base / link / "deep"
    with pytest.raises(IsolationRefused, match="ELOOP") as caught:
        act(read=[path])
    assert caught.value.code == "MOP4014"


def test_a_link_that_a_plugin_planted_creates_nothing_on_the_host_at_the_next_start(act, base):
    """The class of CVE-2026-87766: a mount point made through a folder that the plugin may write."""
    shared, victim = base / "shared", base / "victim"
    for folder in (shared, victim):
        folder.mkdir()
        folder.chmod(0o777)
    (shared / "inner").symlink_to(victim)
    with pytest.raises(IsolationRefused):
        act(write=[shared, shared / "inner" / "new"])
    with pytest.raises(IsolationRefused):
        act(write=[shared, shared / "inner"])
    assert list(victim.iterdir()) == []


def test_a_variable_is_set_before_the_plugins_code_runs(act):
    answers, _ = act(("variable", "LANG"), ("variable", "HOME"), environment={"LANG": "de_DE.UTF-8"})
    assert answers == ["de_DE.UTF-8", "/data"]


def test_two_grants_in_one_new_folder(act, base):
    files = base / "files"
    answers, _ = act(("read", files / "one"), ("read", files / "deep" / "two"), read=[files / "one", files / "deep"])
    assert answers == ["files/one", "files/deep/two"]


def test_a_path_that_is_swapped_for_a_link_while_a_plugin_starts_never_shows_what_the_link_leads_to(act, base):
    """A start race: whoever may write the folder swaps the granted path back and forth during the starts."""
    racing, victim = base / "racing", base / "victim-of-the-race"
    for folder in (racing, racing / "real", victim):
        folder.mkdir()
        folder.chmod(0o777)
    (racing / "real" / "file").write_text("granted")
    (victim / "file").write_text("secret")
    for file in (racing / "real" / "file", victim / "file"):
        file.chmod(0o666)
    done = threading.Event()

    def swap():
        while not done.is_set():
            (racing / "real").rename(racing / "granted")
            (racing / "granted").rename(racing / "real")
            (racing / "granted").symlink_to(victim)
            (racing / "granted").unlink()

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for _ in range(25):
            with contextlib.suppress(IsolationRefused):
                answers, _absent = act(("read", racing / "granted" / "file"), read=[racing / "granted"])
                assert answers[0] in {"granted", "FileNotFoundError"}
    finally:
        done.set()
        swapping.join()
