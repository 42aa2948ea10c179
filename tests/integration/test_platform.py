"""The platform API, asked by plugins in the real sandbox, through the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fakes.published_json import as_published
from tests.integration.conftest import CHECKOUT, processes_of
from tests.integration.versions import install

if TYPE_CHECKING:
    from tests.integration.conftest import Account

SENTIMENT = CHECKOUT / "examples" / "sentiment"
CURIOUS = """
    import os
    from mobileops.plugin import ServicePlugin, plugin_method

    def outcome(act):
        try:
            return act()
        except OSError as error:
            return f"{type(error).__name__} {error.errno}"

    class Curious(ServicePlugin):
        @plugin_method
        def asset(self, name):
            found = self.get_platform_api().assets.get(name)
            return [str(found.path), found.size, found.sha256, found.read_bytes().decode()]

        @plugin_method
        def folder(self):
            return outcome(lambda: sorted(os.listdir("/assets")))

        @plugin_method
        def spoil(self, path):
            return {
                "write": outcome(lambda: open(path, "wb").close()),
                "append": outcome(lambda: open(path, "ab").close()),
                "chmod": outcome(lambda: os.chmod(path, 0o666)),
                "remove": outcome(lambda: os.unlink(path)),
                "rename": outcome(lambda: os.rename(path, path + "x")),
                "create": outcome(lambda: open("/assets/mine", "wb").close()),
                "control": outcome(lambda: open("/data/mine", "wb").close()),
            }

        @plugin_method
        def network(self):
            status = self.get_platform_api().network.get_status()
            return [status.online, {one.name: list(one.addresses) for one in status.interfaces}]

        @plugin_method
        def own_interfaces(self):
            return outcome(lambda: [line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line])

        @plugin_method
        def devices(self):
            return [one.id for one in self.get_platform_api().devices.list()]
"""


def add(account: Account, name: str, text: str) -> str:
    """Add an asset; return its digest."""
    (account.folder / "file").write_text(text)
    account.give(account.folder / "file")
    added = as_published("assets", account.ok("assets", "add", name, "file", "--json"))
    return str(added["digest"])


def test_an_asset_is_read_only_in_the_sandbox_and_what_it_should_be(account: Account) -> None:
    digest = add(account, "weights", "weights")
    install(account, CURIOUS, permissions=["api.platform.assets"])
    account.ok("start", "echo")
    path, size, sha256, text = account.json("call", "echo", "asset", '"weights"')
    assert (path, size, f"sha256:{sha256}", text) == (f"/assets/{sha256}", 7, digest, "weights")
    spoilt = account.json("call", "echo", "spoil", json.dumps(path))
    assert spoilt.pop("control") is None
    assert set(spoilt.values()) <= {"OSError 30", "PermissionError 13", "PermissionError 1"}
    assert account.json("call", "echo", "asset", '"weights"')[3] == "weights"
    add(account, "later", "later")  # while the plugin runs
    assert account.json("call", "echo", "asset", '"later"')[3] == "later"


def test_without_the_permission_there_are_no_assets(account: Account) -> None:
    add(account, "weights", "weights")
    install(account, CURIOUS, permissions=["api.platform.network", "api.platform.ai"])
    account.ok("start", "echo")
    assert account.json("call", "echo", "folder") in ("FileNotFoundError 2", [])
    done = account.run("call", "echo", "asset", '"weights"')
    assert (done.returncode, "[MOP4311]" in done.stderr, "api.platform.assets" in done.stderr) == (1, True, True)
    assert account.json("permissions", "audit", "echo", "--json")["denials"] == 1


def test_what_is_not_the_declared_content_is_refused_and_what_was_damaged_too(account: Account) -> None:
    wanted = add(account, "elsewhere", "wanted")
    add(account, "weights", "another")
    install(account, CURIOUS, permissions=["api.platform.assets"], assets={"weights": {"digest": wanted}})
    account.ok("start", "echo")
    assert account.json("call", "echo", "asset", '"weights"')[3] == "wanted"
    account.ok("assets", "remove", "elsewhere")
    assert "[MOP5312]" in account.run("call", "echo", "asset", '"weights"').stderr
    add(account, "weights", "wanted")
    stored = next((account.home / "assets" / "sha256").glob(wanted.removeprefix("sha256:")))
    assert account.json("call", "echo", "asset", '"weights"')[3] == "wanted"
    stored.chmod(0o644)
    stored.write_text("WANTED")
    assert "[MOP5313]" in account.run("call", "echo", "asset", '"weights"').stderr
    assert "[MOP5310]" in account.run("call", "echo", "asset", '"nothing"').stderr


def test_the_sentiment_example_is_run_by_a_process_of_its_own_in_a_sandbox(account: Account) -> None:
    shutil.copytree(SENTIMENT, account.folder / "sentiment", ignore=shutil.ignore_patterns("__pycache__", "dist"))
    account.give(account.folder / "sentiment")
    account.ok("assets", "add", "sentiment-analysis", "sentiment/sentiment-analysis.onnx")
    assert account.ok("validate", "sentiment") == ""
    for words in (("package",), ("sign",), ("install",), ("start",)):
        account.ok(*words, "sentiment")
    praise = account.json("call", "sentiment", "analyze_sentiment", '"I love it, wonderful and easy"')
    blame = account.json("call", "sentiment", "analyze_sentiment", '"terrible, slow and useless"')
    assert (praise["sentiment"], blame["sentiment"]) == ("positive", "negative")
    assert 0.5 < praise["confidence"] <= 1
    found = confined(account)
    del found[account.json("status", "sentiment", "--json")["pid"]]
    (model,) = found.values()
    assert model == {"NoNewPrivs": "1", "Seccomp": "2", "CapEff": "0" * 16, "CapBnd": "0" * 16}


def confined(account: Account) -> dict[int, dict[str, str]]:
    """Return what confines each process below the plugin manager that has no process below itself."""
    found = {}
    for pid in leaves(*processes_of(account.home)):
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        found[pid] = {name: status[name].strip() for name in ("NoNewPrivs", "Seccomp", "CapEff", "CapBnd")}
    return {pid: facts for pid, facts in found.items() if facts["Seccomp"] == "2"}


def leaves(*pids: int) -> list[int]:
    """Return the processes below some that have none below themselves."""
    below = {pid: Path(f"/proc/{pid}/task/{pid}/children").read_text().split() for pid in pids}
    return [leaf for pid, words in below.items() for leaf in (leaves(*map(int, words)) if words else [pid])]


def test_the_network_and_the_devices_are_the_hosts_and_not_the_sandboxes(account: Account) -> None:
    install(account, CURIOUS, permissions=["api.platform.network", "api.platform.devices"])
    account.ok("start", "echo")
    online, interfaces = account.json("call", "echo", "network")
    assert (type(online), set(interfaces)) == (bool, {one.name for one in Path("/sys/class/net").iterdir()})
    assert "127.0.0.1/8" in interfaces["lo"]
    assert account.json("call", "echo", "own_interfaces") == ["lo"]
    assert {f"net:{name}" for name in interfaces} <= set(account.json("call", "echo", "devices"))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add", "weights", "absent"), "[MOP5316]"),
        (("add", "Weights", "file"), "[MOP5314]"),
        (("add", "weights", "file", "--digest", f"sha256:{'0' * 64}"), "[MOP5311]"),
        (("remove", "weihgts"), "did you mean 'weights'?"),
    ],
)
def test_a_mistake_about_assets_leaves_nothing_behind(account: Account, words: tuple[str, ...], code: str) -> None:
    add(account, "weights", "weights")
    before = account.json("assets", "list", "--json")
    done = account.run("assets", *words)
    assert (done.returncode != 0, done.stdout, code in done.stderr) == (True, "", True)
    assert account.json("assets", "list", "--json") == before
    assert len(list((account.home / "assets" / "sha256").iterdir())) == 1
