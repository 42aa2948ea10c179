"""The whole chain through the command line, as root and as an ordinary user, with the real sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.integration.conftest import Account, gone, kill, processes_of, wait_until


def test_from_template_to_a_running_process_and_back(account: Account) -> None:
    account.ok("init")
    account.ok("create-template", "my-plugin", "service")
    account.ok("validate", "my-plugin")
    account.ok("test", "my-plugin")
    assert account.json("permissions", "tighten", "my-plugin", "--json")["tight"]
    built = account.json("package", "my-plugin", "--json")
    assert account.json("sign", "my-plugin", "--json")["mode"] == "local"
    verified = account.json("verify", "my-plugin", "--json")
    assert (verified["outcome"], verified["sha256"]) == ("trusted", built["sha256"])
    assert account.json("inspect", "my-plugin", "--json")["sha256"] == built["sha256"]
    account.ok("install", "my-plugin.zip")
    assert account.json("start", "my-plugin", "--json")["state"] == "running"
    assert account.json("call", "my-plugin", "process_data", '{"key": "value"}')["status"] == "success"
    assert account.json("status", "my-plugin", "--json")["state"] == "running"
    assert account.json("list", "--json")[0]["state"] == "running"
    assert "running: ready" in account.ok("logs", "my-plugin")
    account.ok("stop", "my-plugin")
    audited = account.json("permissions", "audit", "my-plugin", "--json")
    assert (audited["starts"], audited["denials"]) == (1, 0)
    account.ok("uninstall", "my-plugin", "--purge")
    assert account.json("list", "--json") == []


def test_the_process_is_not_the_accounts_own_user_when_the_account_is_root(installed: Account) -> None:
    pid = installed.json("start", "my-plugin", "--json")["pid"]
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    assert status["Uid"].split()[0] != "0"
    assert (
        status["NoNewPrivs"].strip(),
        status["Seccomp"].strip(),
        int(status["CapEff"], 16),
        int(status["CapBnd"], 16),
    ) == ("1", "2", 0, 0)


def test_quickstart_runs_every_step(account: Account) -> None:
    out = account.ok("quickstart")
    for words in (
        "validate",
        "test",
        "package",
        "sign",
        "verify",
        "install",
        "start",
        "call",
        "status",
        "logs",
        "stop",
    ):
        assert f"\n$ mobileops {words} hello-mobileops" in out
    assert out.count("refused: ") == 2
    assert f"$ export PATH={account.python.parent}:$PATH\n" in out  # its commands can be typed as they are printed
    assert "Done" in out
    wait_until(lambda: processes_of(account.folder / "mobileops-quickstart" / "home") == [])


def test_a_second_quickstart_takes_another_folder(account: Account) -> None:
    (account.folder / "mobileops-quickstart").mkdir()
    assert "mobileops-quickstart-2" in account.ok("quickstart")


def test_a_tampered_bundle_is_refused_and_nothing_is_written_or_started(installed: Account) -> None:
    installed.ok("uninstall", "my-plugin", "--purge")
    bundle = Path(installed.json("package", "my-plugin", "--json")["path"])
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)
    done = installed.run("install", str(bundle))
    assert done.returncode == 3
    assert "[MOP" in done.stderr
    assert installed.json("list", "--json") == []
    assert list((installed.home / "store").iterdir()) == list((installed.home / "staging").iterdir()) == []
    assert installed.run("start", "my-plugin").returncode == 1


def test_missing_and_foreign_signatures_and_wrong_names_each_have_their_code(installed: Account) -> None:
    bundle = Path(installed.json("package", "my-plugin", "--json")["path"])
    signature = bundle.with_name(bundle.name + ".sigstore.json")
    codes = {}
    signature.rename(signature.with_name("kept"))
    codes["missing"] = installed.run("verify", str(bundle))
    stranger = {"MOBILEOPS_HOME": str(installed.folder / "stranger")}
    installed.ok("sign", str(bundle), environment=stranger)
    codes["foreign"] = installed.run("verify", str(bundle))
    signature.with_name("kept").replace(signature)
    other = bundle.with_name("other-plugin-0.1.0.zip")
    other.write_bytes(bundle.read_bytes())
    other.with_name(other.name + ".sigstore.json").write_bytes(signature.read_bytes())
    installed.give(other.parent)
    codes["wrong name"] = installed.run("verify", str(other))
    assert {done.returncode for done in codes.values()} == {3}
    assert len({done.stderr.split("[MOP")[1][:4] for done in codes.values()}) == 3
    assert installed.run("verify", str(bundle)).returncode == 0


def test_a_changed_installed_file_is_not_started(installed: Account) -> None:
    (main,) = (installed.home / "store" / "my-plugin").glob("*/main.py")
    main.write_text("raise SystemExit('mine now')")
    done = installed.run("start", "my-plugin")
    assert done.returncode == 3
    assert "[MOP6006]" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("instal", "x"), 2, "did you mean 'install'?"),
        (("create-template", "x", "servce"), 1, "service"),
        (("create-template", "My Plugin", "service"), 1, "my-plugin"),
        (("start", "my-plugni"), 1, "did you mean 'my-plugin'?"),
        (("call", "my-plugin", "get_staus"), 1, "did you mean 'get_status'?"),
        (("list", "--jsno"), 2, "did you mean '--json'?"),
        (("package", "nowhere"), 1, "create-template"),
    ],
)
def test_a_mistake_is_explained(installed: Account, words: tuple[str, ...], code: int, text: str) -> None:
    if words[0] == "call":
        installed.ok("start", "my-plugin")
    done = installed.run(*words)
    assert done.returncode in ({1, 2} if words[0] == "create-template" else {code})
    assert text in done.stderr
    assert done.stdout == ""


def test_a_host_without_user_namespaces_is_refused_by_name_and_nothing_runs(installed: Account) -> None:
    installed.ok("start", "my-plugin")  # the control: here it works
    installed.ok("stop", "my-plugin")
    installed.ok("daemon", "--stop")
    inside = "echo 0 > /proc/sys/user/max_user_namespaces; mobileops start my-plugin --json"
    unshare = "unshare --user --map-current-user --keep-caps"
    done = installed.script(f"{unshare} sh -c '{inside}' || echo exit $?; mobileops daemon --stop")
    assert "exit 3" in done.stdout
    assert "[MOP40" in done.stderr
    assert "user" in done.stderr
    assert "  fix: " in done.stderr
    assert installed.json("status", "my-plugin", "--json")["state"] == "stopped"


def test_a_new_version_is_installed_while_the_old_one_runs(installed: Account) -> None:
    pid = installed.json("start", "my-plugin", "--json")["pid"]
    manifest = installed.folder / "my-plugin" / "plugin.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"version": "0.2.0"}))
    installed.ok("package", "my-plugin")
    installed.ok("sign", "my-plugin")
    assert "still runs" in installed.run("install", "my-plugin").stderr
    assert installed.json("call", "my-plugin", "get_status")["version"] == "0.1.0"
    assert not gone(pid)
    installed.ok("stop", "my-plugin")
    installed.ok("start", "my-plugin")
    assert installed.json("call", "my-plugin", "get_status")["version"] == "0.2.0"


def test_sigkill_of_the_plugin_manager_leaves_no_plugin(installed: Account) -> None:
    plugin = installed.json("start", "my-plugin", "--json")["pid"]
    (manager,) = processes_of(installed.home)
    kill(manager)
    wait_until(lambda: gone(plugin))
    wait_until(lambda: processes_of(installed.home) == [])
    assert installed.json("status", "my-plugin", "--json")["state"] == "stopped"
    assert installed.json("start", "my-plugin", "--json")["state"] == "running"


def test_sigkill_of_a_plugin_is_noticed_and_it_is_started_again(installed: Account) -> None:
    plugin = installed.json("start", "my-plugin", "--json")["pid"]
    kill(plugin)

    def runs_anew() -> bool:
        status = installed.json("status", "my-plugin", "--json")
        return status["state"] == "running" and status["pid"] != plugin

    wait_until(runs_anew)
    logs = installed.ok("logs", "my-plugin")
    assert "SIGKILL" in logs or "channel" in logs


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_an_interrupted_install_leaves_the_old_state_or_the_new_one(installed: Account, number: signal.Signals) -> None:
    manifest = installed.folder / "my-plugin" / "plugin.json"
    document = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(document | {"version": "0.2.0"}))
    installed.ok("package", "my-plugin")
    installed.ok("sign", "my-plugin")
    for delay_s in (0.05, 0.3, 0.7, 1.2):
        process = installed.popen("install", "my-plugin", start_new_session=True)
        try:
            process.wait(delay_s)
        except subprocess.TimeoutExpired:  # still at work, as intended
            os.killpg(process.pid, number)
        _out, err = process.communicate(timeout=30)
        assert "_guarded" not in err  # an interpreter that is interrupted while it starts prints a traceback of its own
        (row,) = installed.json("list", "--json")
        assert row["version"] in {"0.1.0", "0.2.0"}
        installed.ok("start", "my-plugin")
        installed.ok("stop", "my-plugin")
    installed.ok("install", "my-plugin")
    assert installed.json("list", "--json")[0]["version"] == "0.2.0"
    assert list((installed.home / "staging").iterdir()) == []


def test_an_interrupted_start_leaves_no_orphan(installed: Account) -> None:
    for delay_s in (0.05, 0.2, 0.5):
        process = installed.popen("start", "my-plugin", start_new_session=True)
        try:
            process.wait(delay_s)
        except subprocess.TimeoutExpired:  # still at work, as intended
            os.killpg(process.pid, signal.SIGINT)
        _out, err = process.communicate(timeout=30)
        assert "_guarded" not in err  # an interpreter that is interrupted while it starts prints a traceback of its own
        installed.run("stop", "my-plugin")
    installed.ok("daemon", "--stop")
    wait_until(lambda: processes_of(installed.home) == [])


def test_two_commands_that_start_the_plugin_manager_at_once_share_it(installed: Account) -> None:
    both = [installed.popen("start", "my-plugin"), installed.popen("start", "my-plugin")]
    results = [(*process.communicate(timeout=60), process.returncode) for process in both]
    assert sorted(code for _out, _err, code in results) == [0, 1], results
    assert len(processes_of(installed.home)) == 1


def test_output_into_a_closed_pipe_is_silent(installed: Account) -> None:
    done = installed.script("mobileops --help | true; mobileops list | true; mobileops status --json | true")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_explained(account: Account) -> None:
    account.ok("create-template", "my-plugin", "service")
    done = account.run("package", "my-plugin", "--out", "/proc")
    assert done.returncode in {1, 4}
    assert "[MOP" in done.stderr
