"""``mobileops trust``: show, add, rotate, revoke, update."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from mobileops.runtime import durable
from mobileops.runtime.home import Home
from mobileops.runtime.trust import editing
from mobileops.toolchain.sign import LocalInstance
from tests.fakes.key_signature import make_key, public_pem
from tests.fakes.published_json import as_published
from tests.fakes.signed_bundle import Publisher

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.conftest import Run

SCHEMA = json.loads((Path(__file__).parents[3] / "schema/cli/trust-show.v1.schema.json").read_text())
GITHUB = "https://token.actions.githubusercontent.com"


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(Home(tmp_path / "home").prepare(), tmp_path / "work")


def shown(mobileops: Run) -> dict[str, object]:
    document: dict[str, object] = json.loads(mobileops("trust", "show", "--json")[1])
    jsonschema.validate(document, SCHEMA)
    return document


def test_a_fresh_home_trusts_its_own_instance_only(mobileops: Run) -> None:
    document = shown(mobileops)
    assert [root["name"] for root in document["roots"]] == ["local"]  # type: ignore[attr-defined]
    assert "the default trust policy" in mobileops("trust", "show")[1]


def test_the_public_root_is_added_with_a_rule_and_shown_with_its_date(mobileops: Run) -> None:
    assert mobileops("trust", "add", "root", "public")[0] == 0
    rule = ["--plugins", "acme-*", "--root", "public", "--issuer", GITHUB, "--repository", "acme/plugins"]
    code, out, _err = mobileops(
        "trust", "add", "publisher", *rule, "--trigger", "push", "--max-permissions", "network.http"
    )
    assert (code, "serial 2" in out) == (0, True)
    document = shown(mobileops)
    assert document["serial"] == 2
    assert {"name": "public", "since": "2026-06-01"}.items() <= document["roots"][1].items()  # type: ignore[index]
    assert "repository 'acme/plugins'" in mobileops("trust", "show")[1]


def test_a_key_that_was_added_may_publish_its_names(mobileops: Run, tmp_path: Path) -> None:
    (tmp_path / "fleet.pub").write_bytes(public_pem(make_key()))
    assert mobileops("trust", "add", "key", "fleet.pub", "--plugins", "fleet-*")[0] == 0
    (tmp_path / "fleet.pub").unlink()  # the home has its own copy
    assert "key:roots/fleet-" in mobileops("trust", "show")[1]


def test_a_key_does_not_take_the_place_of_another_whose_file_is_called_the_same(mobileops: Run, tmp_path: Path) -> None:
    pems = {}
    for owner in ("acme", "evil"):
        (tmp_path / owner).mkdir()
        pems[owner] = public_pem(make_key())
        (tmp_path / owner / "release.pub").write_bytes(pems[owner])
        added = mobileops("trust", "add", "key", f"{owner}/release.pub", "--plugins", f"{owner}-*", "--json")
        assert as_published("trust-change", added[1])["changed"]  # type: ignore[index]
    rules = json.loads((tmp_path / "home" / "trust.json").read_text())["publishers"]
    assert [(tmp_path / "home" / rule["key"]).read_bytes() for rule in rules] == [pems["acme"], pems["evil"]]


@pytest.mark.parametrize("name", ["../escape.pub", "two words.pub", "\udcff.pub", "x" * 200 + ".pub"])
def test_the_name_of_a_file_that_is_copied_in_is_harmless(mobileops: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(public_pem(make_key()))
    assert mobileops("trust", "add", "key", f"in/{name}", "--plugins", "fleet-*")[0] == 0
    (copied,) = (tmp_path / "home" / "roots").iterdir()
    assert copied.name.isascii()
    assert len(copied.name) < 100


def test_a_private_root_is_copied_under_its_own_name(mobileops: Run, tmp_path: Path) -> None:
    (tmp_path / "corp_root.json").write_bytes(LocalInstance.open_or_create(tmp_path / "corp").trusted_root_json())
    assert mobileops("trust", "add", "root", "corp_root.json", "--name", "corp")[0] == 0
    (copied,) = (tmp_path / "home" / "roots").iterdir()
    assert copied.name.startswith("corp_root-")
    assert mobileops("trust", "add", "root", "corp_root.json", "--name", "../trust")[0] == 3
    assert mobileops("trust", "add", "root", "corp_root.json", "--name", "corp")[0] == 2


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("add", "key"), 2, "MOP7003"),
        (("add", "key", "p384.pub"), 2, "MOP7003"),
        (("add", "key", "p384.pub", "--plugins", "a"), 3, "MOP3130"),
        (("add", "key", "none.pub", "--plugins", "a"), 2, "MOP3141"),
        (("add", "root", "p384.pub"), 2, "MOP3141"),
        (("add", "root", "list.json"), 2, "MOP3141"),
        (("add", "publisher", "--plugins", "a", "--root", "none", "--issuer", "i"), 3, "MOP3104"),
        (("add", "publisher", "--plugins", "a", "--root", "local", "--issuer", "i"), 3, "MOP3103"),
        (("revoke",), 2, "MOP7003"),
        (("revoke", "--after", "2026-01-01T00:00:00Z"), 2, "MOP7003"),
        (("revoke", "--sha256", "x"), 3, "MOP3103"),
        (("revoke", "--identity", "a@b", "--after", "yesterday"), 3, "MOP3103"),
        (("rotate", "echo", "--reason", "x"), 1, "MOP3140"),
        (("rotate", "echo"), 2, "--reason"),
        (("update", "--tuf-root", "none.json"), 2, "MOP3142"),
        (("update", "--url", "http://127.0.0.1:9"), 3, "MOP3132"),
        (("add", "keey", "p384.pub"), 2, "did you mean 'key'?"),
        (("shwo",), 2, "did you mean 'show'?"),
        ((), 2, "ACTION"),
    ],
    ids=range(19),
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    mobileops: Run, tmp_path: Path, words: tuple[str, ...], code: int, text: str
) -> None:
    (tmp_path / "p384.pub").write_bytes(public_pem(make_key("p384")))
    (tmp_path / "list.json").write_text("[]")
    found, _out, err = mobileops("trust", *words)
    assert (found, text in err, "Traceback" in err) == (code, True, False), err
    assert not (tmp_path / "home" / "trust.json").exists()
    assert not (tmp_path / "home" / "roots").exists()


def test_another_signer_is_refused_until_the_operator_rotates(
    mobileops: Run, publisher: Publisher, tmp_path: Path
) -> None:
    assert mobileops("install", str(publisher.publish("echo", identity="first@localhost")))[0] == 0
    bundle = str(publisher.publish("echo", identity="second@localhost"))
    code, _out, err = mobileops("install", bundle)
    assert (code, "MOP3114" in err, "trust rotate echo" in err) == (3, True, True)
    code, _out, err = mobileops("trust", "rotate", "ehco", "--reason", "the author moved")
    assert (code, "did you mean 'echo'?" in err) == (1, True)
    code, out, _err = mobileops("trust", "rotate", "echo", "--reason", "the author moved", "--json")
    assert code == 0
    assert as_published("trust-rotate", out)["forgotten"]["identity"] == "first@localhost"  # type: ignore[index]
    assert mobileops("install", bundle)[0] == 0
    (entry,) = (tmp_path / "home" / "trust-log.jsonl").read_text().splitlines()
    recorded = json.loads(entry)
    assert (recorded["name"], recorded["reason"]) == ("echo", "the author moved")
    assert recorded["forgotten"]["identity"] == "first@localhost"
    assert shown(mobileops)["pins"]["echo"]["identity"] == "second@localhost"  # type: ignore[index]


def test_a_revoked_signer_is_refused_from_then_on(mobileops: Run, publisher: Publisher) -> None:
    bundle = str(publisher.publish("echo", identity="dev@localhost"))
    assert mobileops("verify", bundle)[0] == 0
    words = ("trust", "revoke", "--identity", "dev@localhost", "--after")
    assert mobileops(*words, "2999-01-01T00:00:00Z")[0] == 0
    assert mobileops("verify", bundle)[0] == 0
    assert mobileops(*words, "2020-01-01T00:00:00Z")[0] == 0
    assert "MOP3172" in mobileops("verify", bundle)[2]
    again = as_published("trust-change", mobileops(*words, "2020-01-01T00:00:00Z", "--json")[1])
    assert ("already" in again["what"], again["changed"], again["serial"]) == (True, False, 2)  # type: ignore[index]
    assert mobileops("trust", "revoke", "--key-hint", "A" * 43 + "=")[0] == 0


@pytest.mark.parametrize("words", [("add", "root", "public"), ("revoke", "--sha256", "a" * 64)])
def test_nobody_else_changes_the_policy_between_reading_and_writing_it(
    mobileops: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    held = []

    def locked(step: Callable[..., object]) -> Callable[..., object]:
        def guarded(*values: object) -> object:
            with pytest.raises(BlockingIOError), durable.locked(tmp_path / "home/run" / editing.LOCK, blocking=False):
                pass
            held.append(step.__name__)
            return step(*values)

        return guarded

    for step in (editing.document, editing.write):
        monkeypatch.setattr(editing, step.__name__, locked(step))
    assert mobileops("trust", *words)[0] == 0
    assert held == ["document", "write"]


def test_the_policy_from_before_a_revocation_does_not_come_back(
    mobileops: Run, publisher: Publisher, tmp_path: Path
) -> None:
    bundle = str(publisher.publish("echo"))
    mobileops("trust", "add", "root", "public")
    old = (tmp_path / "home" / "trust.json").read_bytes()
    mobileops("trust", "revoke", "--sha256", bundle)
    assert mobileops("verify", bundle)[0] == 3
    (tmp_path / "home" / "trust.json").write_bytes(old)
    assert "MOP3108" in mobileops("verify", bundle)[2]
