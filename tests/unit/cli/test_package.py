"""``mobileops package``: what it shows, what it refuses, and what it leaves behind."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import jsonschema
import pytest

from mobileops.bundle import open_bundle
from mobileops.bundle.layout import STORED
from mobileops.toolchain._resources import schema_root
from tests.fakes.plugin_folder import write_plugin

TOKEN = "ghp_" + "a1B2" * 9


@pytest.fixture
def plugin(tmp_path):
    folder = write_plugin(tmp_path / "demo")
    (folder / "lib").mkdir(exist_ok=True)
    (folder / "lib" / "util.py").write_text("VALUE = 1\n")
    (folder / "notes.txt").write_text("mine\n")
    (folder / ".pluginignore").write_text("# not for others\nnotes.txt\n")
    (folder / "__pycache__").mkdir()
    return folder


def test_the_list_says_what_goes_in_and_why_the_rest_does_not(mobileops, plugin):
    code, out, _ = mobileops("package", "demo", "--list")
    assert code == 0
    assert "+ lib/util.py\n" in out
    assert "- notes.txt  (.pluginignore:2: notes.txt)\n" in out
    assert "- __pycache__/  (cache)\n" in out
    assert not (plugin / "dist").exists()


def test_the_tree_says_the_same(mobileops, plugin):
    code, out, _ = mobileops("package", "demo", "--list", "--tree")
    assert code == 0
    assert "├── lib/\n│   └── util.py\n" in out
    assert "├── notes.txt  (not packed: .pluginignore:2: notes.txt)\n" in out
    assert "├── __pycache__/  (not packed: cache)\n" in out
    assert out.endswith("└── plugin.json\n")


def test_the_list_for_programs_has_both_halves(mobileops, plugin):
    listed = json.loads(mobileops("package", "demo", "--list", "--json")[1])
    assert "lib/util.py" in listed["included"]
    assert ["notes.txt", ".pluginignore:2: notes.txt"] in listed["excluded"]


def _report(schema, out):
    report = json.loads(out)
    jsonschema.validate(report, json.loads((schema_root() / f"cli/{schema}.v1.schema.json").read_text()))
    return report


@pytest.mark.parametrize("allow", [(), ("--allow", "key.txt")], ids=["plain", "override"])
def test_the_list_names_every_member_of_the_bundle_that_is_built(mobileops, plugin, allow):
    if allow:
        (plugin / "key.txt").write_text(TOKEN)
    listed = _report("package-list", mobileops("package", "demo", *allow, "--list", "--json")[1])
    built = _report("package", mobileops("package", "demo", *allow, "--json")[1])
    assert sorted([*listed["included"], *(name for name, _ in listed["generated"])]) == sorted(built["members"])
    assert built["sha256"] == hashlib.sha256((plugin / "dist" / "demo-1.0.0.zip").read_bytes()).hexdigest()


def test_the_list_says_of_what_packing_makes_what_it_is(mobileops, plugin):
    out = mobileops("package", "demo", "--list")[1]
    assert "+ plugin.json  (the manifest, canonical; from plugin.json)\n" in out
    assert "+ .mobileops/files.json  (size, digest and mode of every other member)\n" in out


def test_stored_is_a_bundle_without_compression(mobileops, plugin):
    code, out, _ = mobileops("package", "demo", "--stored", "--json")
    assert code == 0
    with open_bundle(plugin / "dist" / "demo-1.0.0.zip") as bundle:
        assert {member.method for member in bundle.members} == {STORED}
        assert bundle.sha256 == json.loads(out)["sha256"]


def test_a_secret_is_refused_and_can_be_allowed_by_name(mobileops, plugin):
    (plugin / "lib" / "util.py").write_text(f"TOKEN = '{TOKEN}'\n")
    code, _, err = mobileops("package", "demo")
    assert code == 1
    assert "lib/util.py" in err
    assert TOKEN not in err
    assert not (plugin / "dist").exists()
    assert mobileops("package", "demo", "--allow", "lib/util.py")[0] == 0
    shown = mobileops("inspect", "demo")[1]
    assert "lib/util.py  a GitHub token on line 1" in shown
    facts = json.loads(mobileops("inspect", "demo", "--json")[1])
    assert facts["overrides"] == {"lib/util.py": {"code": "MOP2408", "found": "a GitHub token on line 1"}}


def test_an_override_that_nothing_needs_is_an_error(mobileops, plugin):
    code, _, err = mobileops("package", "demo", "--allow", "lib/utils.py")
    assert code == 1
    assert "MOP2450" in err


def test_nothing_is_drawn_when_nobody_looks(mobileops, plugin, monkeypatch):
    monkeypatch.setattr("mobileops.toolchain.progress.APPEARS_AFTER_S", -1.0)
    code, out, err = mobileops("package", "demo")
    assert code == 0
    assert "\x1b" not in out + err


def test_a_person_who_waits_sees_a_bar(mobileops, plugin, monkeypatch):
    monkeypatch.setattr("mobileops.toolchain.progress.APPEARS_AFTER_S", -1.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    code, out, err = mobileops("package", "demo")
    assert code == 0
    assert "packing" in err
    assert "\x1b" not in out


INTERRUPTED = """
import os, signal, sys
from mobileops.cli.main import main
from mobileops.toolchain.pack import content
real = content.compress_whole
def interrupted(data):
    os.kill(os.getpid(), signal.SIGINT)
    return real(data)
content.compress_whole = interrupted
sys.exit(main(["package", "demo", "--out", "out"]))
"""


def test_an_interrupt_is_one_word_and_leaves_nothing(plugin, tmp_path):
    command = [sys.executable, "-c", INTERRUPTED]
    env = {**os.environ, "MOBILEOPS_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
    assert list((tmp_path / "out").iterdir()) == []


FULL = """
import os, subprocess, sys
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", "out"], check=True)
from mobileops.cli.main import main
code = main(["package", "demo", "--out", "out"])
print(code, os.listdir("out"))
"""


def test_a_full_disk_is_an_error_that_leaves_nothing(plugin, tmp_path):
    (plugin / "lib" / "noise.bin").write_bytes(os.urandom(1 << 20))
    (tmp_path / "out").mkdir()
    apart = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    env = {**os.environ, "MOBILEOPS_HOME": str(tmp_path / "home")}
    command = [*apart, sys.executable, "-c", FULL]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "1 []\n", done.stderr
    assert "No space left on device" in done.stderr
    assert "MOP2414" in done.stderr


WITHOUT = """
import sys
from mobileops.cli.main import main
assert main(["package", sys.argv[1], "--out", sys.argv[2]]) == 0
print(*sorted(sys.modules.keys() & {"cryptography", "jsonschema", "msgspec", "pathspec", "zlib_ng"}))
"""


@pytest.mark.parametrize(
    ("more", "imported"), [({}, ""), ({"large.txt": "words and more words " * 200_000}, "zlib_ng")]
)
def test_a_small_plugin_is_packaged_without_what_it_does_not_need(plugin, tmp_path, more, imported):
    for name, text in more.items():
        (plugin / name).write_text(text)
    (plugin / ".pluginignore").unlink(missing_ok=True)
    command = [sys.executable, "-I", "-c", WITHOUT, str(plugin), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == imported
