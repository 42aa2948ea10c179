"""The life of plugins through the command line, as root and as an ordinary user, in the real sandbox."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fakes.plugin_folder import write_plugin
from tests.fakes.published_json import as_published
from tests.integration.conftest import gone, kill, processes_of, wait_until
from tests.integration.versions import ECHO, await_cause, daemon, install, under_load

if TYPE_CHECKING:
    from tests.integration.conftest import Account

QUICK_STOP = {"resources": {"stop_timeout": 1}}


@pytest.fixture
def echo(account: Account) -> Account:
    """An account with `ECHO` 1.0.0 running."""
    install(account)
    as_published("plugin-state", account.ok("start", "echo", "--json"))
    return account


def pid_of(account: Account, name: str = "echo") -> int:
    return int(account.json("status", name, "--json")["pid"])


def test_a_reload_replaces_the_process_and_says_so(echo: Account) -> None:
    before = pid_of(echo)
    state = as_published("plugin-state", echo.ok("reload", "echo", "--json"))
    assert (state["state"], state["unanswered"], state["pid"] != before) == ("running", 0, True)
    assert gone(before)
    assert f"pid {pid_of(echo)}" not in echo.ok("reload", "echo")
    assert echo.json("call", "echo", "which") == "1.0.0"
    as_published("plugin-state", echo.ok("restart", "echo", "--json"))
    as_published("status", echo.ok("status", "echo", "--detailed", "--json"))
    as_published("plugin-state", echo.ok("stop", "echo", "--json"))
    as_published("status", echo.ok("status", "--json"))


def test_no_call_is_lost_by_reloads_upgrade_and_rollback_under_load(echo: Account) -> None:
    with under_load(echo) as found:
        echo.ok("reload", "echo")
        install(echo, version="2.0.0")
        assert echo.json("reload", "echo", "--json")["version"] == "2.0.0"
        rollback = as_published("rollback", echo.ok("rollback", "echo", "--json"))
        assert (rollback["installed"], rollback["before"], rollback["state"]) == ("1.0.0", "2.0.0", "running")
        assert "2.0.0" in echo.ok("rollback", "echo")
    assert (found["errors"], found["versions"]) == ([], ["1.0.0", "2.0.0"])
    assert found["calls"] > 100
    assert echo.json("call", "echo", "which") == "2.0.0"


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ("def initialize(self):\n            raise RuntimeError('no database')", "no database"),
        ("def health_check(self):\n            return False", "health_check() returned False"),
        ("def initialize(self):\n            time.sleep(60)", "not ready within 1 s"),
    ],
)
def test_a_new_version_that_fails_leaves_the_old_one_serving(echo: Account, change: str, cause: str) -> None:
    before = pid_of(echo)
    broken = ECHO + "\n        " + change + "\n"
    install(echo, broken, version="2.0.0", resources={"start_timeout": 1})
    with under_load(echo) as found:
        done = echo.run("reload", "echo")
    assert (done.returncode, "[MOP5108]" in done.stderr, cause in done.stderr) == (1, True, True)
    assert (found["errors"], found["versions"], pid_of(echo)) == ([], ["1.0.0"], before)


def test_a_drain_waits_for_calls_and_says_which_it_gave_up(echo: Account) -> None:
    install(echo, version="2.0.0")
    with echo.popen("call", "echo", "slow", "2") as calling:
        wait_until(lambda: "busy for 2 s" in echo.ok("logs", "echo"))
        assert echo.json("reload", "echo", "--json")["unanswered"] == 0
        assert (calling.communicate(timeout=30)[0], calling.returncode) == ('"1.0.0"\n', 0)
    with echo.popen("call", "echo", "slow", "600") as calling:
        wait_until(lambda: "busy for 600 s" in echo.ok("logs", "echo"))
        done = echo.run("reload", "echo", "--drain", "0.2")
        assert (done.returncode, "1 calls were not answered" in done.stderr) == (0, True)
        _out, err = calling.communicate(timeout=60)
        assert (calling.returncode, "Traceback" in err) == (1, False)


def test_what_is_enabled_is_started_with_the_manager_after_what_it_needs(account: Account) -> None:
    install(account, name="below")
    install(account, name="above", plugin_dependencies={"below": ">=1"})
    install(account, name="beside")
    install(account, ECHO + "\n        def initialize(self):\n            raise RuntimeError\n", name="broken")
    for name in ("above", "broken", "beside"):
        facts = as_published("autostart", account.ok("enable", name, "--json"))
        assert facts == {"name": name, "enabled": True, "changed": True}
    with daemon(account):
        for name in ("above", "below", "beside"):
            account.ok("status", name, "--wait", "running", "--timeout", "60")
        above, below = (account.json("status", name, "--detailed", "--json") for name in ("above", "below"))
        assert (above["enabled"], below["enabled"]) == (True, False)
        assert below["history"][-1]["time"] <= above["history"][0]["time"]
    assert as_published("autostart", account.ok("disable", "above", "--json"))["changed"]
    assert "as before" in account.ok("disable", "above")
    with daemon(account):
        account.ok("status", "beside", "--wait", "running", "--timeout", "60")
        assert account.json("status", "above", "--json")["state"] == "stopped"


def test_what_runs_and_is_not_enabled_is_not_started_again(echo: Account) -> None:
    echo.ok("daemon", "--stop")
    with daemon(echo):
        assert echo.json("status", "echo", "--json")["state"] == "stopped"


def test_crashes_are_followed_by_restarts_with_growing_delays_until_it_is_a_loop(account: Account) -> None:
    crashing = """
        import os, sys
        from mobileops.plugin import ServicePlugin

        class Crashing(ServicePlugin):
            def start(self):
                sys.stderr.write("no battery\\n")
                sys.stderr.flush()
                os._exit(3)
    """
    install(account, crashing)
    account.run("start", "echo")
    status = await_cause(account, "crash loop: 5 crashes within 60 s")
    assert (status["state"], "no battery" in status["cause"]) == ("failed", True)
    logs = account.ok("logs", "echo")
    delays = [float(line.split("starting again in ")[1].split()[0]) for line in logs.splitlines() if "again in" in line]
    bounds = [(0.125, 0.25), (0.25, 0.5), (0.5, 1.0), (1.0, 2.0)]
    assert (len(delays), "not started again" in logs) == (len(bounds), False), logs
    assert [low <= delay <= high for delay, (low, high) in zip(delays, bounds, strict=True)] == [True] * 4, logs
    assert "exit status 3" in logs


def test_a_crash_is_followed_by_a_restart_and_a_stop_is_not(echo: Account) -> None:
    before = pid_of(echo)
    assert echo.run("call", "echo", "crash").returncode == 1
    echo.ok("status", "echo", "--wait", "running")
    assert pid_of(echo) != before
    echo.ok("stop", "echo")
    assert echo.run("status", "echo", "--wait", "running", "--timeout", "1").returncode == 1


def test_a_pre_start_hook_that_hangs_is_killed_and_named(account: Account) -> None:
    hooks = {"hooks": {"pre_start": "pre.py"}, "files": {"pre.py": "import time; time.sleep(600)"}}
    install(account, **hooks, resources={"start_timeout": 1})
    done = account.run("start", "echo")
    assert (done.returncode, "not ready within 1 s, in its hook pre_start" in done.stderr) == (1, True)
    assert account.json("status", "echo", "--json")["state"] == "failed"


def test_a_pre_stop_hook_that_hangs_is_killed_with_its_plugin_and_named(account: Account) -> None:
    hooks = {"hooks": {"pre_stop": "pre.py"}, "files": {"pre.py": "import time; time.sleep(600)"}}
    install(account, **hooks, **QUICK_STOP)
    account.ok("start", "echo")
    pid = pid_of(account)
    assert "did not end within 1 s, in its hook pre_stop, killed" in account.ok("stop", "echo")
    assert gone(pid)


def test_a_pre_hook_that_says_no_stops_what_it_precedes(account: Account) -> None:
    hooks = {"hooks": {"pre_stop": "pre.py"}, "files": {"pre.py": "raise SystemExit('a transfer runs')"}}
    install(account, **hooks)
    account.ok("start", "echo")
    pid = pid_of(account)
    for verb in ("stop", "reload"):
        done = account.run(verb, "echo")
        assert (done.returncode, "[MOP5107]" in done.stderr) == (1, True)
        assert (account.json("call", "echo", "which"), pid_of(account)) == ("1.0.0", pid)
    assert account.json("stop", "echo", "--force", "--json")["state"] == "stopped"


def test_after_the_zygote_was_killed_plugins_come_back_in_a_new_one(echo: Account) -> None:
    before = pid_of(echo)
    (manager,) = processes_of(echo.home)
    zygotes = [pid for pid in _descendants(manager) if _is_ancestor(pid, before)]
    assert zygotes
    kill(zygotes[0])
    wait_until(lambda: gone(before))
    echo.ok("status", "echo", "--wait", "running")
    assert echo.json("call", "echo", "which") == "1.0.0"
    assert processes_of(echo.home) == [manager]


def _descendants(pid: int) -> list[int]:
    """Return children first, then theirs."""
    children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [below for child in children for below in _descendants(child)]


def _is_ancestor(pid: int, of: int) -> bool:
    return of in _descendants(pid)


def test_a_dependent_is_started_after_and_protected_from_the_stop_of_what_it_needs(account: Account) -> None:
    install(account, name="below")
    install(account, name="above", plugin_dependencies={"below": ">=1"})
    account.ok("start", "above")
    assert account.json("status", "below", "--json")["cause"] == "ready"
    done = account.run("stop", "below")
    assert (done.returncode, "[MOP5115]" in done.stderr, "'below' is needed by above" in done.stderr) == (1, True, True)
    account.ok("stop", "below", "--force")
    account.give(write_plugin(account.folder / "lonely", ECHO, plugin_dependencies={"absent": ">=1"}))
    for verb in ("package", "sign"):
        account.ok(verb, "lonely")
    assert "absent" in account.run("install", "lonely").stderr
    assert account.run("start", "lonely").returncode == 1


@pytest.mark.parametrize("verb", ["reload", "restart", "rollback", "enable", "disable", "stop"])
def test_a_mistyped_name_gets_a_suggestion(echo: Account, verb: str) -> None:
    done = echo.run(verb, "ecoh")
    assert (done.returncode, done.stdout) == (1, "")
    assert "did you mean 'echo'?" in done.stderr


def test_what_does_not_run_cannot_be_reloaded_and_what_has_no_past_not_rolled_back(echo: Account) -> None:
    assert echo.run("rollback", "echo").returncode == 1
    echo.ok("stop", "echo")
    done = echo.run("reload", "echo")
    assert (done.returncode, "[MOP5105]" in done.stderr, "mobileops start echo" in done.stderr) == (1, True, True)


def test_a_manager_that_is_told_to_end_stops_plugins_in_order_and_leaves_nothing(echo: Account) -> None:
    pid = pid_of(echo)
    (manager,) = processes_of(echo.home)
    os.kill(manager, 15)
    wait_until(lambda: gone(manager) and gone(pid))
    assert "stopping: the plugin manager stops" in echo.ok("logs", "echo")
    left = subprocess.run(["pgrep", "-f", str(echo.home)], capture_output=True, text=True, check=False)
    assert left.stdout == ""
