"""Step 1 with a key: P-256 and Ed25519, nothing else, and only keys that the policy names."""

from __future__ import annotations

import base64
import json
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mobileops.errors import TrustRefused
from mobileops.runtime.trust import keys
from tests.fakes.key_signature import hint_of, make_key, public_pem

RULE = {"plugins": ["tiny-*"]}


def trusting(release, name):
    return release.policy(publishers=[RULE | {"key": name}])


@pytest.mark.parametrize("kind", ["p256", "ed25519"])
def test_a_signature_of_a_key_that_a_rule_names_is_accepted(release, kind):
    key = make_key(kind)
    release.state_with_key(key)
    with release.verify(policy=trusting(release, release.key_file(key))) as verified:
        assert (verified.signer.assurance, verified.signer.root) == ("key", "key:fleet.pub")
        assert verified.pin.to_dict() == {
            "root": "key:fleet.pub",
            "assurance": "key",
            "key_hint": verified.signer.key_hint,
        }


def test_a_root_of_keys_lets_an_old_and_a_new_key_overlap(release, key):
    new = make_key("ed25519")
    fleet = {"keys": [release.key_file(key, "old.pub"), release.key_file(new, "new.pub")], "assurance": "key"}
    for signer in (key, new):
        release.state_with_key(signer)
        release.verify(policy=release.policy(roots={"fleet": fleet})).bundle.close()


def test_a_key_that_no_root_has_is_untrusted(fleet):
    fleet.state_with_key(make_key())
    assert fleet.refusal() == ("MOP3123", "untrusted")


def test_a_changed_payload_does_not_verify(fleet):
    payload = base64.b64encode(b'{"_type":"https://in-toto.io/Statement/v1"}').decode()
    fleet.verify().bundle.close()  # control: as signed it is accepted
    fleet.edit(lambda document: document["dsseEnvelope"].update(payload=payload))
    assert fleet.refusal() == ("MOP3012", "invalid")


@pytest.mark.parametrize("kind", ["p256", "ed25519"])
@pytest.mark.parametrize("change", [{"payloadType": "text/plain"}, {"signatures": [{"sig": "AAAA"}]}])
def test_a_changed_type_or_signature_does_not_verify(release, kind, change):
    key = make_key(kind)
    release.state_with_key(key)
    release.edit(lambda document: document["dsseEnvelope"].update(change))
    assert release.refusal(policy=trusting(release, release.key_file(key))) == ("MOP3012", "invalid")


def test_the_hint_of_a_trusted_key_does_not_lend_it_to_another_signer(fleet, key):
    fleet.verify().bundle.close()
    trusted = fleet.signature.read_bytes()
    fleet.state_with_key(make_key())
    hint = json.loads(trusted)["verificationMaterial"]
    fleet.edit(lambda document: document.update(verificationMaterial=hint))
    assert fleet.refusal() == ("MOP3012", "invalid")


def test_p384_is_refused_though_the_signature_would_hold(release):
    key = make_key("p384")
    release.state_with_key(key)
    assert release.refusal(policy=trusting(release, release.key_file(key))) == ("MOP3130", "untrusted")


def test_rsa_is_refused(release):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (release.folder / "rsa.pub").write_bytes(pem)
    release.state_with_key(make_key())
    assert release.refusal(policy=trusting(release, "rsa.pub")) == ("MOP3130", "untrusted")


@pytest.mark.parametrize("kind", ["p256", "ed25519"])
def test_a_key_is_the_same_however_its_file_is_written(kind):
    key = make_key(kind)
    pem = public_pem(key)
    lines = pem.splitlines()
    one_line = b"\n".join([lines[0], b"".join(lines[1:-1]), lines[-1]]) + b"\n"
    for written in (pem, pem.replace(b"\n", b"\r\n"), pem.strip(), b"# the fleet's\n" + pem, one_line):
        loaded = keys.load(written, where="fleet.pub")
        assert loaded == key.public_key()
        assert keys.hint_of(loaded) == hint_of(key)


@pytest.mark.parametrize("at", [0, 30, -1])
def test_a_key_with_one_changed_byte_is_no_key_of_ours(at):
    key = make_key()
    der = bytearray(base64.b64decode(b"".join(public_pem(key).splitlines()[1:-1])))
    der[at] ^= 1
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(der) + b"\n-----END PUBLIC KEY-----\n"
    with pytest.raises(TrustRefused) as refused:
        keys.load(pem, where="fleet.pub")
    assert refused.value.code == "MOP3109"


def test_a_signature_to_verify_is_never_one_to_make():
    algorithm = keys._EcdsaSha256()
    assert (algorithm.algorithm.name, algorithm.deterministic_signing) == ("sha256", False)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a key",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        b"-----BEGIN PUBLIC KEY-----\nA\n-----END PUBLIC KEY-----\n",
    ],
)
def test_a_damaged_key_file_is_refused(release, key, content):
    release.state_with_key(key)
    (release.folder / "bad.pub").write_bytes(content)
    assert release.refusal(policy=trusting(release, "bad.pub")) == ("MOP3109", "untrusted")


def test_a_missing_or_endless_key_file_is_refused(release, key):
    release.state_with_key(key)
    assert release.refusal(policy=trusting(release, "none.pub")) == ("MOP3109", "untrusted")
    with (release.folder / "large.pub").open("wb") as file:
        file.truncate(1 << 40)
    assert release.refusal(policy=trusting(release, "large.pub")) == ("MOP3109", "untrusted")


def test_a_statement_of_another_type_is_refused_with_a_key_too(fleet, key):
    fleet.state_with_key(key, payload_type="application/json")
    assert fleet.refusal() == ("MOP3030", "invalid")


def test_a_key_verifies_without_sigstore(fleet, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "sigstore" or name.endswith("trust._sigstore")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sigstore", None)
    fleet.verify().bundle.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda material: material.update(certificate={"rawBytes": "AAAA"}),
        lambda material: material.update(timestampVerificationData={}),
        lambda material: material["publicKey"].update(more="AAAA"),
        lambda material: material["publicKey"].pop("hint"),
        lambda material: material.update(publicKey=[]),
    ],
    ids=["certificate", "time stamps", "more", "no hint", "list"],
)
def test_nothing_travels_along_with_a_key(fleet, change):
    fleet.edit(lambda document: change(document["verificationMaterial"]))
    assert fleet.refusal() == ("MOP3006", "invalid")


def test_a_log_entry_beside_a_key_is_refused(fleet):
    fleet.edit(lambda document: document["verificationMaterial"].update(tlogEntries=[{}]))
    assert fleet.refusal() == ("MOP3008", "invalid")
