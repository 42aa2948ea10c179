"""``trust update`` against a TUF repository on loopback."""

from __future__ import annotations

import json

import pytest
from securesystemslib.signer import CryptoSigner

from mobileops.cli.main import main
from mobileops.errors import TrustRefused
from mobileops.runtime.home import Home
from mobileops.runtime.trust import public_root
from mobileops.runtime.trust.refresh import refresh
from tests.fakes.published_json import as_published
from tests.fakes.tuf_repository import PAST, Repository, serving


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home").prepare()


@pytest.fixture
def repository(tmp_path):
    with serving(tmp_path / "repository") as repository:
        yield repository


def refused(home, repository, *, bootstrap=None):
    with pytest.raises(TrustRefused) as caught:
        refresh(home, url=repository.url, bootstrap=bootstrap or repository.root)
    assert caught.value.outcome == "untrusted"
    return caught.value.code


def newer(foreign):
    return foreign.trusted_root_json()


def test_the_command_says_what_became_of_the_root(home, repository, foreign, capsys, monkeypatch, tmp_path):
    repository.publish(newer(foreign))
    (tmp_path / "root.json").write_bytes(repository.root)
    monkeypatch.setenv("MOBILEOPS_HOME", str(home.root))
    words = ("trust", "update", "--url", repository.url, "--tuf-root", str(tmp_path / "root.json"))
    assert main((*words, "--json")) == 0
    said = as_published("trust-update", capsys.readouterr().out)
    assert (said["changed"], said["file"]) == (True, str(home.public_root))
    assert main(words) == 0
    captured = capsys.readouterr()
    assert ("unchanged" in captured.out, "trust add root public" in captured.err) == (True, True)


def test_what_the_repository_signs_becomes_the_public_root(home, repository, foreign):
    repository.publish(newer(foreign))
    assert refresh(home, url=f"{repository.url}/", bootstrap=repository.root).changed
    assert home.public_root.read_bytes() == newer(foreign)
    assert not refresh(home, url=repository.url, bootstrap=repository.root).changed


def test_the_same_root_again_renews_its_date(home, repository):
    repository.publish(public_root.PATH.read_bytes())
    assert not refresh(home, url=repository.url, bootstrap=repository.root).changed
    assert home.public_root.exists()


def test_a_repository_of_somebody_else_changes_nothing(home, repository, foreign):
    repository.publish(newer(foreign))
    assert refused(home, repository, bootstrap=public_root.TUF_ROOT.read_bytes()) == "MOP3132"
    assert not home.public_root.exists()


@pytest.mark.parametrize("attack", ["forged", "expired", "rolled back", "swapped", "other name", "gone"])
def test_what_does_not_verify_changes_nothing(home, repository, foreign, attack):
    repository.publish(newer(foreign), version=5)
    refresh(home, url=repository.url, bootstrap=repository.root)  # control
    evil = json.dumps({"evil": True}).encode()
    match attack:
        case "forged":
            repository.publish(evil, version=6, signer=CryptoSigner.generate_ed25519())
        case "expired":
            repository.publish(evil, version=6, expires=PAST)
        case "rolled back":
            repository.publish(evil, version=4)
        case "swapped":
            repository.publish(evil, version=6, told=newer(foreign) + b" ")
        case "other name":
            repository.publish(evil, version=6, name="other.json")
        case "gone":
            (repository.folder / "timestamp.json").unlink()
    assert refused(home, repository) == "MOP3132"
    assert home.public_root.read_bytes() == newer(foreign)


@pytest.mark.parametrize("data", [b"{}", b"not json", b""])
def test_a_signed_file_that_is_no_root_changes_nothing(home, repository, data):
    repository.publish(data or b" ")
    assert refused(home, repository) == "MOP3133"
    assert not home.public_root.exists()


def test_a_root_without_authorities_changes_nothing(home, repository, foreign):
    document = json.loads(newer(foreign)) | {"certificateAuthorities": []}
    repository.publish(json.dumps(document).encode())
    assert refused(home, repository) == "MOP3133"


def test_without_a_network_the_present_root_stays(home, repository):
    dead = Repository.__new__(Repository)
    dead.url, dead.root = "http://127.0.0.1:9", repository.root
    assert refused(home, dead) == "MOP3132"
    with pytest.raises(TrustRefused, match="refused"):  # the reason, which python-tuf leaves to the cause
        refresh(home, url=dead.url, bootstrap=dead.root)
