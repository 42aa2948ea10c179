"""The verbs, through `main`, against a real home and a plugin manager in a thread (its launcher confines nothing.

Tests/integration has the real one).
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mobileops.errors import HostFault
from mobileops.runtime.home import Home
from mobileops.runtime.manager import client as clients
from mobileops.runtime.manager import daemon as daemons
from tests.fakes.daemon_thread import DaemonThread, serving
from tests.fakes.plugin_folder import ECHO, write_plugin

Result = tuple[int, str, str]
Run = Callable[..., Result]


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaemonThread]:
    with serving(Home(tmp_path / "home").prepare(), monkeypatch) as thread:
        yield thread


@pytest.fixture
def echo(mobileops: Run, tmp_path: Path) -> str:
    """Build, sign and install a plugin called echo."""
    code = ECHO + "\n        @plugin_method\n        def raw(self):\n            return b'\\x00\\xff'\n"
    write_plugin(tmp_path / "echo", code, permissions=["network.http"])
    for words in (("package", "echo"), ("sign", "echo"), ("install", "echo.zip")):
        assert mobileops(*words)[0] == 0
    return "echo"


def test_init_prepares_the_home_and_may_be_repeated(mobileops: Run, tmp_path: Path) -> None:
    assert mobileops("init")[0] == 0
    code, out, _err = mobileops("init", "--json")
    facts = json.loads(out)
    assert (code, facts["home"], facts["assurance"]) == (0, str(tmp_path / "home"), "local")


def test_a_template_is_made_and_is_valid(mobileops: Run) -> None:
    code, out, err = mobileops("create-template", "my-plugin", "service")
    assert (code, "plugin.json" in out.split(), "made" in err) == (0, True, True)
    assert mobileops("validate", "my-plugin") == (0, "", "my-plugin: valid\n")
    code, out, _err = mobileops("create-template", "other", "processing", "--json", "--author", "Somebody")
    assert json.loads(Path("other/plugin.json").read_text())["author"] == "Somebody"
    assert "main.py" in json.loads(out)["files"]


def test_an_unknown_type_gets_a_suggestion_and_leaves_nothing(mobileops: Run) -> None:
    code, _out, err = mobileops("create-template", "my-plugin", "servce")
    assert code in {1, 2}
    assert "service" in err
    assert not Path("my-plugin").exists()


def test_findings_are_all_printed_and_exit_1(mobileops: Run, tmp_path: Path) -> None:
    write_plugin(tmp_path / "bad", version="1", license=5)
    code, out, err = mobileops("validate", "bad")
    assert code == 1
    assert out.count(" error: ") >= 2
    assert "errors" in err
    assert all("code" in finding for finding in json.loads(mobileops("validate", "bad", "--json")[1]))
    assert mobileops("package", "bad")[0] == 1
    assert not (tmp_path / "bad" / "dist").exists()


def test_a_plugins_tests_decide_the_exit_code(mobileops: Run, tmp_path: Path) -> None:
    write_plugin(
        tmp_path / "echo",
        files={
            "tests/test_it.py": "import unittest\nclass T(unittest.TestCase):\n    def test_it(self): self.fail()\n"
        },
    )
    assert mobileops("test", "echo")[0] == 1
    (tmp_path / "echo" / "tests" / "test_it.py").write_text(
        "import unittest\nclass T(unittest.TestCase):\n    def test_it(self): pass\n"
    )
    assert mobileops("test", "echo")[0] == 0


def test_package_tells_the_digest_and_lists_what_goes_in(mobileops: Run, tmp_path: Path) -> None:
    write_plugin(tmp_path / "echo", files={"__pycache__/x.pyc": "", "notes.txt": "n"})
    code, out, _err = mobileops("package", "echo", "--list")
    assert (code, "+ main.py" in out, "- __pycache__" in out) == (0, True, True)
    assert "notes.txt" in json.loads(mobileops("package", "echo", "--list", "--json")[1])["included"]
    first = json.loads(mobileops("package", "echo", "--json")[1])
    second = json.loads(mobileops("package", "echo", "--json", "--out", str(tmp_path / "elsewhere"))[1])
    assert first["sha256"] == second["sha256"]
    assert Path(second["path"]).parent == tmp_path / "elsewhere"


def test_locking_a_plugin_without_dependencies_needs_no_network(mobileops: Run, tmp_path: Path) -> None:
    write_plugin(tmp_path / "echo")
    code, out, _err = mobileops("lock", "echo")
    assert (code, Path(out.strip()).name) == (0, "requirements.txt")


def test_sign_and_verify_tell_who(mobileops: Run, tmp_path: Path) -> None:
    write_plugin(tmp_path / "echo")
    mobileops("package", "echo")
    assert "local" in mobileops("sign", "echo", "--identity", "me@example.com")[1]
    assert (
        json.loads(mobileops("sign", "echo", "--identity", "me@example.com", "--json")[1])["identity"]
        == "me@example.com"
    )
    assert "trusted" in mobileops("verify", "echo")[1]
    assert json.loads(mobileops("verify", "echo.zip", "--json")[1])["identity"] == "me@example.com"


def test_an_unsigned_bundle_is_refused_with_exit_3_and_nothing_is_written(mobileops: Run, tmp_path: Path) -> None:
    write_plugin(tmp_path / "echo")
    mobileops("package", "echo")
    for verb in ("verify", "install"):
        code, out, err = mobileops(verb, "echo")
        assert (code, out) == (3, "")
        assert "[MOP30" in err
    assert list((tmp_path / "home" / "store").iterdir()) == []


def test_inspect_shows_a_bundle_and_refuses_a_damaged_one_with_exit_1(mobileops: Run, tmp_path: Path) -> None:
    write_plugin(tmp_path / "echo")
    path = Path(json.loads(mobileops("package", "echo", "--json")[1])["path"])
    assert "main.py" in mobileops("inspect", str(path))[1]
    assert json.loads(mobileops("inspect", str(path), "--json")[1])["name"] == "echo"
    path.write_bytes(path.read_bytes() + b"x")
    code, out, err = mobileops("inspect", str(path), "--json")
    assert code == 1
    assert json.loads(out)["refused"]["code"].startswith("MOP2")
    assert "[MOP2" in err
    assert mobileops("inspect", str(path))[0] == 1


def test_installed_plugins_are_listed(mobileops: Run, echo: str) -> None:
    assert "echo" in mobileops("list")[1]
    assert mobileops("list", "-q")[1] == "echo\n"
    assert json.loads(mobileops("list", "--json")[1])[0]["state"] == "stopped"
    assert json.loads(mobileops("install", echo, "1.0.0", "--json")[1])["installed"] == "echo"


def test_an_empty_home_says_so(mobileops: Run) -> None:
    for verb in ("list", "status"):
        code, out, err = mobileops(verb)
        assert (code, out, "nothing is installed" in err) == (0, "", True)
    assert "no records" in mobileops("logs")[2]


def test_a_plugin_is_started_called_watched_and_stopped(mobileops: Run, echo: str, manager: DaemonThread) -> None:
    code, out, err = mobileops("start", echo)
    assert (code, "is running" in out, err) == (0, True, "")
    assert json.loads(mobileops("call", echo, "echo", '{"a": [1, null]}')[1]) == {"a": [1, None]}
    assert json.loads(mobileops("call", echo, "echo", "--named", 'value="x"')[1]) == "x"
    assert "running" in mobileops("status")[1]
    assert json.loads(mobileops("status", echo, "--json")[1])["state"] == "running"
    detailed = mobileops("status", echo, "--detailed")[1]
    assert "healthy" in detailed
    assert "network.http" in detailed
    assert mobileops("uninstall", echo)[0] == 1
    code, out, _err = mobileops("stop", echo)
    assert (code, out) == (0, "echo is stopped: stopped by the operator\n")
    assert "stopped by the operator" in mobileops("logs", echo)[1]
    assert json.loads(mobileops("logs", "search", "OPERATOR", "--json", "-n", "1")[1])["plugin"] == "echo"


def test_a_call_reads_standard_input(
    mobileops: Run, echo: str, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert json.loads(mobileops("start", echo, "--json")[1])["state"] == "running"
    monkeypatch.setattr(sys, "stdin", io.StringIO("[1]"))
    assert json.loads(mobileops("call", echo, "echo", "-")[1]) == [1]
    assert json.loads(mobileops("call", echo, "raw")[1]) == "AP8="
    assert json.loads(mobileops("stop", echo, "--json")[1])["state"] == "stopped"


def test_mistakes_with_a_running_plugin_are_explained(mobileops: Run, echo: str, manager: DaemonThread) -> None:
    mobileops("start", echo)
    cases: list[tuple[tuple[str, ...], int, str]] = [
        (("call", echo, "ehco"), 1, "did you mean 'echo'?"),
        (("call", "ecko", "echo"), 1, "did you mean 'echo'?"),
        (("call", echo, "echo", "not json"), 2, "not JSON"),
        (("call", echo, "echo", "--named", "value"), 2, "NAME=JSON"),
        (("call", echo, "fail"), 1, "ValueError: as asked"),
        (("start", echo), 1, "already running"),
    ]
    for words, code, text in cases:
        got, out, err = mobileops(*words)
        assert (got, out) == (code, ""), words
        assert text in err


def test_a_queued_call_that_nobody_takes_times_out(mobileops: Run, echo: str, manager: DaemonThread) -> None:
    mobileops("start", echo)
    code, _out, err = mobileops("call", echo, "echo", "--queued", "--timeout", "0.05")
    assert code == 1
    assert "[MOP5014]" in err


@pytest.mark.parametrize("words", [("stop", "echo"), ("call", "echo", "echo")])
def test_without_a_plugin_manager_nothing_runs(mobileops: Run, echo: str, words: tuple[str, ...]) -> None:
    code, _out, err = mobileops(*words)
    assert code == 1
    assert "is not running" in err


def test_debug_mode_adds_the_remote_traceback(
    mobileops: Run, echo: str, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOBILEOPS_PLUGIN_DEBUG", "1")
    mobileops("start", echo)
    assert "in fail" in mobileops("call", echo, "fail")[2]


def test_an_unhealthy_plugin_is_shown(mobileops: Run, manager: DaemonThread, tmp_path: Path) -> None:
    for name, body in (("sick", "return False"), ("broken", "raise OSError('gone')")):
        write_plugin(tmp_path / name, ECHO + f"\n        def health_check(self):\n            {body}\n")
        for words in (("package", name), ("sign", name), ("install", name), ("start", name)):
            assert mobileops(*words)[0] == 0
    assert "unhealthy" in mobileops("status", "sick", "--detailed")[1]
    assert "gone" in mobileops("status", "broken", "--detailed")[1]


def test_uninstall_keeps_data_and_purge_removes_them(mobileops: Run, echo: str, tmp_path: Path) -> None:
    (tmp_path / "home" / "data" / "echo").mkdir()
    code, out, err = mobileops("uninstall", echo)
    assert (code, out, "--purge" in err) == (0, "removed echo 1.0.0\n", True)
    mobileops("install", echo)
    assert "removes:" in mobileops("uninstall", echo, "--purge")[2]
    assert not (tmp_path / "home" / "data" / "echo").exists()
    assert mobileops("uninstall", echo)[0] == 1


def test_the_daemon_is_stopped_on_request(
    mobileops: Run, manager: DaemonThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "STOP_TIMEOUT_S", 0)  # this process is the plugin manager's, and goes on
    assert "has stopped" in mobileops("daemon", "--stop")[2]
    manager.join(10)
    assert "does not run" in mobileops("daemon", "--stop")[2]


def test_the_daemon_runs_in_the_foreground(mobileops: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(daemons, "run", lambda _home, *, ready, environment, idle_exit_s, lifeline: ready())
    assert mobileops("daemon", "--home", str(tmp_path / "home2")) == (0, "", f"serving {tmp_path / 'home2'}\n")


def test_the_daemon_tells_its_starter_that_another_one_serves(mobileops: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_home: Home, **_options: object) -> None:
        raise HostFault("a plugin manager serves this home already", code="MOP5201")

    monkeypatch.setattr(daemons, "run", busy)
    read_end, write_end = os.pipe()
    assert mobileops("daemon", "--ready-fd", str(write_end))[0] == 4
    assert os.read(read_end, 100) == b"busy\n"
    os.close(read_end)


def test_start_makes_a_plugin_manager_when_none_runs(
    mobileops: Run, echo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    class Stub:
        def ask(self, verb: str, **body: Any) -> dict[str, Any]:
            return {"version": "1.0.0", "pid": 1, "methods": [], "verb": verb, **body}

        def close(self) -> None:
            """Nothing is open."""

    def fake(_home: Home, *, program: tuple[str, ...]) -> Stub:
        asked.append(program)
        return Stub()

    monkeypatch.setattr(clients, "connect_or_start", fake)
    assert mobileops("start", echo)[0] == 0
    assert asked[0][1:5] == ("-I", "-m", "mobileops.cli.main", "daemon")


def test_the_doctor_reports_every_mechanism(mobileops: Run) -> None:
    code, out, _err = mobileops("doctor")
    report = json.loads(mobileops("doctor", "--json")[1])
    assert code == (0 if all(one["ok"] for one in report["mechanisms"]) else 1)
    assert all(one["name"] in out for one in report["mechanisms"])


@pytest.mark.usefixtures("manager")
def test_a_panel_is_printed_with_its_content_and_a_wrong_name_is_explained(mobileops: Run, tmp_path: Path) -> None:
    source = """
        from mobileops.plugin import UIPlugin, plugin_method

        class Shown(UIPlugin):
            @plugin_method
            def render(self, panel):
                return {"rows": [panel]}
    """
    panels = [{"name": "overview", "title": "Overview", "method": "render"}]
    write_plugin(tmp_path / "shown", source, type="ui", permissions=["ui.render"], ui={"panels": panels})
    for words in (("package", "shown"), ("sign", "shown"), ("install", "shown.zip"), ("start", "shown")):
        assert mobileops(*words)[0] == 0
    printed = json.loads(mobileops("panel", "shown", "overview")[1])
    assert (printed["title"], printed["content"]) == ("Overview", {"rows": ["overview"]})
    code, out, err = mobileops("panel", "shown", "overveiw")
    assert (code, out) == (1, "")
    assert "MOP5021" in err


def test_a_quickstart_where_no_folder_can_be_names_the_place(mobileops: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, _out, err = mobileops("quickstart", "--in", "file/sub")
    assert (code, "MOP8004" in err, "file/sub" in err, "Errno" in err) == (4, True, True, False)
