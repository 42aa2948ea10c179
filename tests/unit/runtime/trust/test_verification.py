"""The steps in their order, each by the attack that it stops."""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

from mobileops.bundle import open_bundle
from mobileops.errors import BundleRefused, HostFault, NotFoundError, TrustRefused
from mobileops.runtime.trust import Pin, TrustPolicy, verify
from mobileops.toolchain.sign import LocalInstance

GITHUB = "https://token.actions.githubusercontent.com"


def material(document):
    return document["verificationMaterial"]


def entry(document):
    return material(document)["tlogEntries"][0]


def envelope(document):
    return document["dsseEnvelope"]


def flip(text, *, at=-1):
    """Flip one bit in base64 text."""
    data = bytearray(base64.b64decode(text))
    data[at] ^= 1
    return base64.b64encode(data).decode()


def pin_of(release, **changes):
    fitting = {"root": "local", "assurance": "local", "issuer": release.instance.issuer, "identity": "dev@localhost"}
    return Pin(**(fitting | changes))


def test_a_signed_bundle_is_verified_and_handed_out_open(release):
    with release.verify() as verified:
        assert verified.manifest.name == "tiny-plugin"
        assert verified.bundle.read("main.py", limit=100) == b"x = 1\n"
        assert verified.signature == release.signature.read_bytes()
        assert (verified.signer.root, verified.signer.assurance) == ("local", "local")
        assert verified.pin == pin_of(release)


def test_a_signature_from_elsewhere_is_used_when_it_is_given(release, tmp_path):
    moved = release.signature.rename(tmp_path / "elsewhere.json")
    assert release.refusal() == ("MOP3000", "unsigned")
    release.verify(signature=moved).bundle.close()


# Step 0 has its own file: test_signature_file.py.


def test_step_1_a_swapped_payload_is_refused(release):
    said = base64.b64encode(b'{"_type":"https://in-toto.io/Statement/v1"}').decode()
    release.edit(lambda document: envelope(document).update(payload=said))
    assert release.refusal() == ("MOP3021", "invalid")


def test_step_1_a_changed_signature_is_refused(release):
    release.edit(
        lambda document: envelope(document)["signatures"][0].update(
            sig=flip(envelope(document)["signatures"][0]["sig"])
        )
    )
    assert release.refusal() == ("MOP3021", "invalid")


def test_step_1_a_changed_payload_type_is_refused(release):
    release.edit(lambda document: envelope(document).update(payloadType="text/plain"))
    assert release.refusal() == ("MOP3021", "invalid")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda document: material(document)["certificate"].update(rawBytes="AAAA"), "MOP3023"),
        (
            lambda document: material(document)["certificate"].update(
                rawBytes=flip(material(document)["certificate"]["rawBytes"])
            ),
            "MOP3015",
        ),
        (lambda document: entry(document).update(integratedTime="1"), "MOP3015"),
        (lambda document: entry(document).update(logIndex="7"), "MOP3020"),
        (lambda document: entry(document)["inclusionPromise"].update(signedEntryTimestamp="AAAA"), "MOP3020"),
        (lambda document: entry(document)["inclusionProof"].update(rootHash="AAAA"), "MOP3018"),
        (
            lambda document: entry(document)["inclusionProof"]["checkpoint"].update(
                envelope="x\n1\nAAAA\n\n\u2014 x AAAAAAAA\n"
            ),
            "MOP3019",
        ),
        (lambda document: entry(document).update(canonicalizedBody=base64.b64encode(b"{}").decode()), "MOP3018"),
        (lambda document: entry(document)["kindVersion"].update(version="0.0.3"), "MOP3022"),
        (
            lambda document: material(document)["timestampVerificationData"].update(
                rfc3161Timestamps=[{"signedTimestamp": "AAAA"}]
            ),
            "MOP3023",
        ),
    ],
    ids=[
        "certificate",
        "certificate-bit",
        "time",
        "index",
        "promise",
        "root-hash",
        "checkpoint",
        "body",
        "version",
        "stamp",
    ],
)
def test_step_1_changed_material_is_refused_with_the_code_of_its_part(release, change, code):
    release.edit(change)
    assert release.refusal() == (code, "invalid")


def test_step_1_material_of_another_signature_is_refused(release):
    other = json.loads(release.instance.sign_statement(b"{}", identity="dev@localhost"))
    release.edit(lambda document: document.update(verificationMaterial=material(other)))
    assert release.refusal() == ("MOP3021", "invalid")


@pytest.mark.parametrize("private", [True, False], ids=["by its own check", "by a second verification"])
def test_step_1_a_bad_time_stamp_is_refused_though_the_log_vouches_for_a_time(release, monkeypatch, private):
    if not private:  # a library that has renamed its check
        monkeypatch.delattr("mobileops.runtime.trust._sigstore._Recording._verify_timestamp_authority")
    other = json.loads(release.instance.sign_statement(b"{}", identity="dev@localhost"))
    stamps = material(other)["timestampVerificationData"]
    release.edit(lambda document: material(document).update(timestampVerificationData=stamps))
    # Control: sigstore-python by itself accepts the bundle with the time stamp of another signature.
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(release.trusted_root)))
    verifier.verify_dsse(Bundle.from_json(release.signature.read_bytes()), Identity(identity="dev@localhost"))
    assert release.refusal() == ("MOP3014", "invalid")


@pytest.mark.parametrize("missing", ["stamp", "stamps", "promise"])
def test_step_1_one_verified_source_of_time_is_enough(release, missing):
    def change(document):
        if missing == "promise":
            del entry(document)["integratedTime"], entry(document)["inclusionPromise"]
        elif missing == "stamp":
            material(document)["timestampVerificationData"] = {"rfc3161Timestamps": []}
        else:
            del material(document)["timestampVerificationData"]

    release.edit(change)
    release.verify().bundle.close()


def test_step_1_a_signature_without_any_time_is_refused(release):
    def change(document):
        del entry(document)["integratedTime"], entry(document)["inclusionPromise"]
        del material(document)["timestampVerificationData"]

    release.edit(change)
    assert release.refusal() == ("MOP3013", "invalid")


def test_step_1_a_certificate_for_another_purpose_is_refused(release, monkeypatch):
    purpose = "mobileops.toolchain.sign.certificates.CODE_SIGNING"
    monkeypatch.setattr(purpose, ExtendedKeyUsageOID.CLIENT_AUTH)
    release.state()
    assert release.refusal() == ("MOP3017", "invalid")
    monkeypatch.undo()
    release.state()  # control: the same instance, its certificate for signing code
    release.verify().bundle.close()


def test_step_1_a_missing_verifier_is_a_fault_of_the_host_that_names_the_command(release, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "sigstore" or name.endswith("trust._sigstore")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("mobileops.runtime.trust._sigstore", raising=False)
    monkeypatch.setitem(sys.modules, "sigstore", None)
    with pytest.raises(HostFault) as caught:
        release.verify()
    assert caught.value.code == "MOP8010"
    assert caught.value.fix == "pip install 'mobileops-runtime[sigstore]'"


def test_step_2_a_foreign_instance_is_not_trusted(release, foreign):
    release.state(instance=foreign)
    # Control: whoever pins the foreign root accepts it.
    pinned = TrustPolicy.default(local_root=foreign.directory / "trusted_root.json")
    release.verify(policy=pinned).bundle.close()
    assert release.refusal() == ("MOP3110", "untrusted")


def test_step_2_a_host_that_never_signed_trusts_nobody(release, tmp_path):
    policy = TrustPolicy.default(local_root=tmp_path / "none" / "trusted_root.json")
    assert release.refusal(policy=policy) == ("MOP3110", "untrusted")


def test_step_2_a_pinned_copy_of_the_root_is_enough_on_another_device(release, tmp_path):
    shutil.copyfile(release.trusted_root, tmp_path / "release" / "team.json")
    team = {"trusted_root": "team.json", "assurance": "local"}
    policy = release.policy(roots={"team": team})
    shutil.rmtree(release.instance.directory)
    with release.verify(policy=policy) as verified:
        assert (verified.signer.root, verified.signer.assurance) == ("team", "local")


def test_step_2_a_rule_that_fits_lets_its_publisher_in(release):
    with release.verify(policy=release.policy(publishers=[release.rule()])) as verified:
        assert verified.signer.identity == "dev@localhost"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"identity": "boss@localhost"}, "MOP3113"),
        ({"identity": "DEV@localhost"}, "MOP3113"),
        ({"identity": "dev@localhos"}, "MOP3113"),
        ({"issuer": "https://accounts.example.org"}, "MOP3112"),
        ({"root": "corp"}, "MOP3111"),
    ],
)
def test_step_2_a_rule_lets_nobody_else_in(release, foreign, change, code):
    corp = {"trusted_root": str(foreign.directory / "trusted_root.json"), "assurance": "private"}
    roots = {"local": {"local_instance": True, "assurance": "local"}, "corp": corp}
    policy = release.policy(roots=roots, publishers=[release.rule(**change)])
    assert release.refusal(policy=policy) == (code, "untrusted")


def test_step_2_a_local_authority_cannot_pass_for_the_public_one(release, foreign):
    described = release.instance.directory / "instance.json"
    described.write_text(described.read_text().replace(release.instance.issuer, GITHUB))
    forger = LocalInstance.open_or_create(release.instance.directory)
    release.state(
        instance=forger, identity="https://github.com/acme/plugins/.github/workflows/release.yml@refs/tags/v1"
    )
    public = {"trusted_root": str(foreign.directory / "trusted_root.json"), "assurance": "public"}
    roots = {"local": {"local_instance": True, "assurance": "local"}, "public": public}
    forged = {
        "issuer": GITHUB,
        "identity": "https://github.com/acme/plugins/.github/workflows/release.yml@refs/tags/v1",
    }
    # Control: the forged issuer and identity do fit a rule that does not insist on the public root.
    careless = release.policy(roots=roots, publishers=[release.rule(root="local", **forged)])
    release.verify(policy=careless).bundle.close()
    careful = release.policy(roots=roots, publishers=[release.rule(root="public", **forged)])
    assert release.refusal(policy=careful) == ("MOP3111", "untrusted")


def test_step_2_the_first_signer_of_a_name_may_come_again(release):
    release.verify(pins={"tiny-plugin": pin_of(release), "other": pin_of(release, root="x")}).bundle.close()


@pytest.mark.parametrize("change", [{"identity": "first@localhost"}, {"issuer": "https://first"}, {"root": "first"}])
def test_step_2_another_signer_than_the_pinned_one_is_refused(release, change):
    assert release.refusal(pins={"tiny-plugin": pin_of(release, **change)}) == ("MOP3114", "untrusted")


def test_step_2_a_rule_counts_more_than_a_pin(release):
    pins = {"tiny-plugin": pin_of(release, identity="first@localhost")}
    release.verify(policy=release.policy(publishers=[release.rule()]), pins=pins).bundle.close()


@pytest.mark.parametrize("name", ["first", "second"])
def test_step_2_of_two_names_for_one_root_the_pinned_one_counts(release, name):
    root = {"trusted_root": str(release.trusted_root), "assurance": "private"}
    policy = release.policy(roots={"first": root, "second": root})
    with release.verify(
        policy=policy, pins={"tiny-plugin": pin_of(release, root=name, assurance="private")}
    ) as verified:
        assert verified.signer.root == name


def test_step_3_a_payload_of_another_type_is_refused(release, monkeypatch):
    monkeypatch.setattr("mobileops.toolchain.sign.local.PAYLOAD_TYPE", "application/json")
    release.state()
    assert release.refusal() == ("MOP3030", "invalid")


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [("_type", "https://in-toto.io/Statement/v0.1", "MOP3032"), ("predicateType", "https://slsa.dev/v1", "MOP3033")],
)
def test_step_3_a_statement_of_another_type_is_refused(release, key, value, code):
    release.state(lambda said: said.update({key: value}))
    assert release.refusal() == (code, "invalid")


def test_step_4_a_changed_archive_is_refused(release):
    release.change_member()
    assert release.refusal() == ("MOP3040", "invalid")


def test_step_4_a_changed_member_with_its_table_rewritten_is_refused(release):
    signature = release.signature.read_bytes()
    source = release.folder / "source"
    (source / "main.py").write_text("import os\n")
    from mobileops.toolchain.pack import pack  # noqa: PLC0415 - the attacker's packer

    pack(source, release.archive.parent)
    release.signature.write_bytes(signature)
    assert release.refusal() == ("MOP3040", "invalid")


def test_step_4_a_renamed_archive_is_refused(release):
    release.archive = release.archive.rename(release.archive.with_name("tiny-plugin-9.9.9.zip"))
    with pytest.raises(TrustRefused, match="fix: give it its name back") as caught:
        release.verify(signature=release.signature)
    assert caught.value.code == "MOP3041"


def test_step_4_another_file_table_than_the_signed_one_is_refused(release):
    release.state(lambda said: said["subject"][1]["digest"].update(sha256="0" * 64))
    assert release.refusal() == ("MOP3042", "invalid")


@pytest.mark.parametrize(
    "change",
    [
        lambda subjects: subjects.pop(0),
        lambda subjects: subjects.pop(1),
        lambda subjects: subjects.clear(),
        lambda subjects: subjects.append({"name": "more.zip", "digest": {"sha256": "0" * 64}}),
        lambda subjects: subjects[0].update(name=".mobileops/files.json"),
        lambda subjects: subjects[1].update(name="other.json"),
    ],
    ids=["no archive", "no table", "none", "third", "table twice", "no table but two"],
)
def test_step_4_other_subjects_than_the_two_are_refused(release, change):
    release.state(lambda said: change(said["subject"]))
    assert release.refusal() == ("MOP3043", "invalid")


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("name", "famous-plugin", "MOP3050"),
        ("version", "1.2.4", "MOP3051"),
        ("manifestDigest", {"sha256": "0" * 64}, "MOP3052"),
        ("permissions", [], "MOP3053"),
        ("permissions", ["network.http, filesystem.read:/data"], "MOP3053"),
    ],
)
def test_step_5_a_statement_about_something_else_is_refused(release, key, value, code):
    release.state(lambda said: said["predicate"].update({key: value}))
    assert release.refusal() == (code, "invalid")


@pytest.mark.parametrize("allowed", [[], ["network.http"], ["network", "filesystem.read:/data/sub"]])
def test_step_5_permissions_beyond_the_rule_are_refused(release, allowed):
    policy = release.policy(publishers=[release.rule(max_permissions=allowed)])
    assert release.refusal(policy=policy) == ("MOP3115", "untrusted")


@pytest.mark.parametrize("allowed", [["network", "filesystem.read:/data"], ["filesystem.read:/data", "network.http"]])
def test_step_5_permissions_within_the_rule_are_accepted(release, allowed):
    release.verify(policy=release.policy(publishers=[release.rule(max_permissions=allowed)])).bundle.close()


def test_step_6_a_signed_archive_that_contradicts_its_own_table_is_refused(release):
    release.change_member()
    release.state()  # a signer that does not read what it signs
    assert release.refusal() == ("MOP3060", "invalid")


def test_step_7_a_revoked_archive_is_refused(release):
    with release.verify() as verified:
        digest = verified.sha256
    assert release.refusal(policy=release.policy(revoked={"sha256": ["0" * 64, digest]})) == ("MOP3170", "untrusted")
    release.verify(policy=release.policy(revoked={"sha256": ["0" * 64]})).bundle.close()


def test_an_archive_outside_the_profile_is_refused_by_its_reader(release):
    release.archive.write_bytes(release.archive.read_bytes() + b"appended")
    with pytest.raises(BundleRefused):
        release.verify()


def test_an_archive_that_is_not_there_is_not_found(release):
    release.archive.unlink()
    with pytest.raises(NotFoundError):
        release.verify()


def test_an_archive_swapped_after_it_was_opened_changes_nothing(release, tmp_path):
    evil = tmp_path / release.archive.name
    evil.write_bytes(release.archive.read_bytes())

    class SwapOnLookup(dict):
        """Pins are looked up after the archive was opened: the moment of the attack."""

        def get(self, name, default=None):
            os.replace(evil, release.archive)  # noqa: PTH105 - as the attacker would
            return default

    original = release.archive.read_bytes()
    evil.write_bytes(original.replace(b"x = 1\n", b"x = 2\n"))
    with verify(release.archive, policy=release.policy(), pins=SwapOnLookup()) as verified:
        assert verified.bundle.read("main.py", limit=100) == b"x = 1\n"
    # Control: the file that lies there now is the evil one, and a second look would have met it.
    assert release.archive.read_bytes() != original
    with open_bundle(release.archive) as now, pytest.raises(BundleRefused):
        now.check_members()


def test_a_refusal_leaves_no_file_open(release):
    release.change_member()
    before = len(list(Path("/proc/self/fd").iterdir()))
    release.refusal()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
