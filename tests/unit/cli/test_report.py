"""``mobileops report`` and ``mobileops audit``: what can be sent to somebody else."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from mobileops.runtime import audit
from mobileops.runtime.home import Home
from mobileops.runtime.logs import LogFile, Record
from mobileops.runtime.report import hiding
from mobileops.runtime.settings.files import SettingsFiles, Stored
from mobileops.runtime.store import Store
from tests.fakes.published_json import as_published
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Run

PLANTED = 'planted-"secret"-1'
ANOTHERS = "planted-secret-of-another"


@pytest.fixture
def home(tmp_path: Path, mobileops: Run) -> Home:
    home = Home(tmp_path / "home").prepare()
    publisher = Publisher(home, tmp_path)
    token = {"token": {"type": "string", "secret": True}}
    Store(home).install(publisher.publish(configuration_schema=token), verify=publisher.decision())
    return home


def planted(home: Home) -> None:
    """Write secrets where they could have got before they were secrets."""
    record = {"time": "2026-01-01T00:00:00.000Z", "plugin": "echo", "level": "INFO", "source": "plugin"}
    LogFile(home.logs / "echo.jsonl").append(Record(**record, message=f"got {PLANTED}", fields={"other": ANOTHERS}))
    log = audit.AuditLog("echo", "manager", descriptors=audit.open_files(home.audit, "echo", "manager"))
    log.record("connect", PLANTED, allowed=False, permission=None, reason=f"no {ANOTHERS}")
    log.record("start", "1.0.0", allowed=True, permission="network", reason="granted", name="host.example")
    log.close()
    (home.logs / "daemon.log").write_text(f"trouble with {ANOTHERS}\n")


def packed(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_a_planted_secret_is_not_in_the_report(mobileops: Run, home: Home, tmp_path: Path) -> None:
    planted(home)
    SettingsFiles(home).save("echo", Stored({}, {"token": PLANTED}))
    SettingsFiles(home).save("another", Stored({}, {"key": ANOTHERS}))
    assert mobileops("report", "echo", "-o", "report.zip")[0] == 0
    members = packed(tmp_path / "report.zip")
    assert "planted" not in "".join(members.values())
    assert "got [secret]" in members["logs.jsonl"]
    assert '"target":"[secret]"' in members["audit.jsonl"]
    assert "trouble with [secret]" in members["manager.log"]


def test_the_same_texts_are_in_it_when_they_are_no_secrets(mobileops: Run, home: Home, tmp_path: Path) -> None:
    planted(home)
    mobileops("report", "echo", "-o", "report.zip")
    members = packed(tmp_path / "report.zip")
    assert PLANTED in json.loads(members["logs.jsonl"])["message"]
    assert json.loads(members["audit.jsonl"].splitlines()[0])["target"] == PLANTED
    assert ANOTHERS in members["manager.log"]


def test_a_report_has_what_is_needed_and_is_for_this_account(mobileops: Run, home: Home, tmp_path: Path) -> None:
    planted(home)
    code, out, err = mobileops("report", "echo", "--json")
    found: Any = as_published("report", out)
    path = tmp_path / found["path"]
    members = packed(path)
    assert code == 0
    assert err == ""
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(members["plugin.json"])["name"] == "echo"
    assert json.loads(members["status.json"])["state"] == "stopped"
    assert json.loads(members["config.json"])["settings"][0]["name"] == "token"
    assert json.loads(members["doctor.json"])["mechanisms"]
    assert "mobileops " in members["versions.txt"]


def test_a_report_replaces_nothing(mobileops: Run, home: Home, tmp_path: Path) -> None:
    (tmp_path / "mine.zip").write_text("mine")
    code, _out, err = mobileops("report", "echo", "-o", "mine.zip")
    assert (code, "MOP5505" in err) == (4, True)
    assert (tmp_path / "mine.zip").read_text() == "mine"


def test_a_part_that_cannot_be_had_does_not_stop_the_rest(mobileops: Run, home: Home, tmp_path: Path) -> None:
    (home.settings / "echo.json").write_text("{")
    code, out, _ = mobileops("report", "echo")
    assert (code, "MOP5401" in packed(tmp_path / out.strip())["config.json"]) == (0, True)


def test_secrets_that_cannot_be_read_stop_it(mobileops: Run, home: Home, tmp_path: Path) -> None:
    (home.settings / "another.secrets.json").write_text("{")
    assert mobileops("report", "echo")[0] == 4
    assert not list(tmp_path.glob("*report*"))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer [secret]"),
        ("password=hunter22 user=me", "password=[secret] user=me"),
        ('{"api_key": "abcdef", "x": 1}', '{"api_key": "[secret]", "x": 1}'),
        ('{\\"token\\":\\"abcdef\\"}', '{\\"token\\":\\"[secret]\\"}'),
        ("https://me:hunter22@host/path", "https://me:[secret]@host/path"),
        ("ghp_" + "a" * 36, "[secret]"),
        ("AKIAABCDEFGHIJKLMNOP", "[secret]"),
        ("eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2ln", "[secret]"),
        ("-----BEGIN PRIVATE KEY-----\\nMII\\n-----END PRIVATE KEY-----", "[secret]"),
        ("the tokens of a sentence: none", "the tokens of a sentence: none"),
        ("http://host:8080/path", "http://host:8080/path"),
    ],
)
def test_what_looks_like_a_credential_is_hidden(home: Home, text: str, left: str) -> None:
    hide = hiding(home)
    assert hide(text) == left
    assert hide(left) == left


def test_decisions_are_listed_by_time_and_filtered(mobileops: Run, home: Home) -> None:
    planted(home)
    lines = mobileops("audit")[1].splitlines()
    assert [line.split()[2] for line in lines] == ["denied", "allowed"]
    assert "start 1.0.0 (host.example) by network: granted" in lines[1]
    assert len(mobileops("audit", "echo", "--denied")[1].splitlines()) == 1
    assert len(mobileops("audit", "-n", "1")[1].splitlines()) == 1
    assert len(mobileops("audit", "-n", "0")[1].splitlines()) == 2
    assert "no decisions" in mobileops("audit", "--until", "2h")[2]
    assert len(mobileops("audit", "--since", "2h")[1].splitlines()) == 2
    for line in mobileops("audit", "--json")[1].splitlines():
        as_published("audit", line)


def test_secrets_are_hidden_in_decisions(mobileops: Run, home: Home) -> None:
    planted(home)
    SettingsFiles(home).save("echo", Stored({}, {"token": PLANTED}))
    assert "connect [secret]" in mobileops("audit", "echo")[1]
    assert PLANTED not in mobileops("audit", "--json")[1]


@pytest.mark.parametrize(("words", "code"), [(["nonesuch"], 1), (["-n", "-1"], 2), (["--since", "when"], 2)])
def test_mistakes_are_told(mobileops: Run, home: Home, words: list[str], code: int) -> None:
    assert mobileops("audit", *words)[0] == code
