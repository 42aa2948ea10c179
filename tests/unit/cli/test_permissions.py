"""``mobileops permissions``: on sources, bundles and installed plugins."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import TYPE_CHECKING

import jsonschema
import pytest

from mobileops.runtime import audit
from mobileops.runtime.home import Home
from mobileops.runtime.isolation import policy, probe
from mobileops.runtime.permissions.explanation import explain
from mobileops.runtime.receipts import Receipts
from mobileops.runtime.store import Store
from mobileops.runtime.supervision import runs, supervisor
from mobileops.toolchain._resources import schema_root
from tests.fakes.plugin_folder import write_plugin
from tests.fakes.signed_bundle import Publisher
from tests.fakes.unconfined_launcher import UnconfinedLauncher

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Run


def installed(tmp_path: Path, *permissions: str) -> Home:
    home = Home(tmp_path / "home").prepare()
    publisher = Publisher(home, tmp_path / "work")
    (tmp_path / "work").mkdir()
    Store(home).install(publisher.publish(permissions=list(permissions)), verify=publisher.decision())
    return home


def checked(text: str, action: str) -> dict[str, object]:
    document = json.loads(text)
    schema = json.loads((schema_root() / "cli" / f"permissions-{action}.v1.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    return document


def test_a_source_a_bundle_and_an_installed_plugin_are_explained_alike(mobileops: Run, tmp_path: Path) -> None:
    installed(tmp_path, "filesystem.read:/srv")
    bundle = str(next((tmp_path / "work" / "dist").glob("*.zip")))
    for word, form in (("work/echo", "source"), (bundle, "bundle"), ("echo", "installed")):
        code, out, _ = mobileops("permissions", "explain", word)
        assert code == 0
        assert out.startswith(f"echo 1.0.0 ({form}: ")
        assert "/srv of the host, and all beneath it  <filesystem.read:/srv>" in out


def test_the_current_folder_is_meant_without_a_word(
    mobileops: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_plugin(tmp_path / "echo"))
    assert mobileops("permissions", "explain")[1].startswith("echo 1.0.0 (source: ")


def test_an_installed_plugin_is_explained_by_the_policy_that_the_supervisor_compiles(
    mobileops: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = installed(tmp_path, "filesystem.write:/srv/x", "system.environment:LC_ALL")
    assert policy.compile_policy is runs.compile_policy
    launcher = UnconfinedLauncher()
    launched = []
    monkeypatch.setattr(launcher, "launch", lambda compiled, *_rest, **_named: launched.append(compiled) or 1 / 0)

    async def start() -> None:
        await supervisor.Supervisor(home, store=Store(home), launcher=lambda: launcher).start("echo")

    with pytest.raises(ZeroDivisionError):
        asyncio.run(start())
    launcher.close()
    document = checked(mobileops("permissions", "explain", "echo", "--json")[1], "explain")
    expected = explain(Receipts(home).manifest(Receipts(home).get("echo")), launched[0])
    assert document["sections"] == json.loads(json.dumps([dataclasses.asdict(one) for one in expected.sections]))


@pytest.mark.parametrize("action", ["show", "explain"])
def test_the_json_of_one_plugin_fits_its_schema(mobileops: Run, tmp_path: Path, action: str) -> None:
    write_plugin(tmp_path / "echo", permissions=["network", "filesystem.read:/srv"])
    document = checked(mobileops("permissions", action, "echo", "--json")[1], action)
    assert document["place"] == str(tmp_path / "echo")


def test_what_is_declared_is_shown_with_the_catalogue_s_line(mobileops: Run, tmp_path: Path) -> None:
    write_plugin(tmp_path / "echo", permissions=["system.process"])
    code, out, _ = mobileops("permissions", "show", "echo")
    assert (code, out.splitlines()[1].split("  ")[0]) == (0, "system.process")
    assert "Start other programs" in out


def test_a_plugin_without_permissions_says_so(mobileops: Run, tmp_path: Path) -> None:
    write_plugin(tmp_path / "echo")
    assert mobileops("permissions", "show", "echo") == (0, "", "echo declares no permission\n")


def test_a_wider_plugin_makes_the_exit_code_1(mobileops: Run, tmp_path: Path) -> None:
    write_plugin(tmp_path / "old", permissions=["network.http:a.example.com"])
    write_plugin(tmp_path / "new", permissions=["network", "filesystem.read"])
    code, out, _ = mobileops("permissions", "diff", "old", "new")
    assert code == 1
    assert out.splitlines() == [
        "+ added     filesystem.read",
        "+ widened   network.http:a.example.com -> network",
    ]
    assert mobileops("permissions", "diff", "new", "old")[0] == 0


def test_the_json_of_a_comparison_fits_its_schema(mobileops: Run, tmp_path: Path) -> None:
    write_plugin(tmp_path / "old", permissions=["network"])
    write_plugin(tmp_path / "new")
    document = checked(mobileops("permissions", "diff", "old", "new", "--json")[1], "diff")
    assert document["changes"] == [{"kind": "removed", "before": ["network"], "after": []}]


def test_a_plugin_that_never_ran_has_nothing_to_audit(mobileops: Run, tmp_path: Path) -> None:
    installed(tmp_path, "network")
    code, out, err = mobileops("permissions", "audit", "echo")
    assert (code, out) == (0, "")
    assert "has not been started yet" in err
    assert checked(mobileops("permissions", "audit", "echo", "--json")[1], "audit")["since"] is None


def test_used_unused_and_refused_are_shown(mobileops: Run, tmp_path: Path) -> None:
    home = installed(tmp_path, "network.http", "network.tcp:5432")
    log = audit.AuditLog("echo", "broker", descriptors=audit.open_files(home.audit, "echo", "broker"))
    log.record("connect", "tcp 192.0.2.1:80", allowed=True, permission="network.http", reason="granted", name="a.test")
    log.record("resolve", "b.test", allowed=False, permission=None, reason="no permission names this host")
    log.close()
    code, out, err = mobileops("permissions", "audit", "echo")
    rows = [line.split() for line in out.splitlines()]
    assert code == 0
    assert ["network.http", "used", "1"] in [row[:3] for row in rows]
    assert ["network.tcp:5432", "unused", "0"] in [row[:3] for row in rows]
    assert ["refused:", "1", "times"] in rows
    assert "resolve" in out
    assert "seccomp" in err
    document = checked(mobileops("permissions", "audit", "echo", "--json")[1], "audit")
    assert document["permissions"][0]["targets"] == ["tcp 192.0.2.1:80 (a.test)"]


def test_what_a_plugin_wrote_cannot_act_on_the_terminal(mobileops: Run, tmp_path: Path) -> None:
    home = installed(tmp_path)
    log = audit.AuditLog("echo", "manager", descriptors=audit.open_files(home.audit, "echo", "manager"))
    log.record("report", "\x1b[2J\nfake", allowed=False, permission=None, reason="because")
    log.close()
    out = mobileops("permissions", "audit", "echo")[1]
    assert "\\x1b[2J\\nfake" in out
    assert "\x1b" not in out


def test_tighten_shows_what_it_would_write_and_writes_with_fix(mobileops: Run, tmp_path: Path) -> None:
    tests = """
        from mobileops.plugin.testing import PluginTestCase

        class TestEcho(PluginTestCase):
            def test_it(self):
                self.load_plugin("echo").echo(1)
        """
    folder = write_plugin(tmp_path / "echo", permissions=["network"], files={"tests/test_echo.py": tests})
    code, out, err = mobileops("permissions", "tighten", "echo")
    assert code == 1
    assert out.startswith("dropped   network")
    assert '-    "network"' in out
    assert "--fix writes it" in err
    code, out, _ = mobileops("permissions", "tighten", "echo", "--fix", "--json")
    document = checked(out, "tighten")
    assert (code, document["written"], document["permissions"]) == (0, True, [])
    assert json.loads((folder / "plugin.json").read_text(encoding="utf-8"))["permissions"] == []
    assert mobileops("permissions", "tighten", "echo")[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "fix"),
    [
        (("shwo",), "MOP4302", "did you mean 'show'?"),
        (("diff", "one"), "MOP4303", "mobileops permissions --help"),
        (("audit",), "MOP4303", "mobileops permissions --help"),
        (("audit", "ecko"), "MOP6004", "mobileops list"),
        (("explain", "ecko"), "MOP4301", "did you mean 'echo'?"),
    ],
)
def test_mistakes_are_explained(mobileops: Run, tmp_path: Path, words: tuple[str, ...], code: str, fix: str) -> None:
    write_plugin(tmp_path / "echo")
    status, out, err = mobileops("permissions", *words)
    assert status in {1, 2}
    assert out == ""
    assert f"[{code}]" in err
    assert fix in err


def test_a_yaml_source_is_read_too(mobileops: Run, tmp_path: Path) -> None:
    folder = write_plugin(tmp_path / "echo", permissions=["network"])
    (folder / "plugin.json").rename(folder / "plugin.yaml")  # JSON is YAML
    assert "network" in mobileops("permissions", "show", "echo")[1]


@pytest.mark.parametrize(("level", "said"), [("FULL", False), ("NO-NAMESPACE", True)])
def test_where_the_operator_accepts_it_the_level_of_this_host_is_explained(
    mobileops: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str, said: bool
) -> None:
    home = installed(tmp_path)
    monkeypatch.setattr(probe, "probe", lambda: probe.HostReport(level, ()))
    assert "not enforced on this host" not in mobileops("permissions", "explain", "echo")[1]
    home.isolation_settings.write_text('{"version": 1, "min_isolation": "no-namespace"}')
    assert ("not enforced on this host" in mobileops("permissions", "explain", "echo")[1]) is said
