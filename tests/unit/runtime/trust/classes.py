"""One case for every code: what is accepted as it is, and the one thing that is tampered with.

A case is a generator: it prepares a stage, yields, and tampers; ``test_classes`` shows that the stage is accepted at
the yield, and refused with the code of the case afterwards. Its words stand in the table of docs/reference/trust.md.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from securesystemslib.signer import CryptoSigner

from mobileops.runtime.trust import Pin, keys, load_policy, verify
from mobileops.runtime.trust.certificate import CLAIMS
from mobileops.runtime.trust.refresh import refresh
from mobileops.toolchain.sign import LocalInstance, der
from tests.fakes.key_signature import make_key, public_pem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = "https://github.com/acme/plugins"
BUILT = {
    "source_repository_uri": REPOSITORY,
    "source_repository_identifier": "1234",
    "source_repository_owner_identifier": "99",
    "source_repository_ref": "refs/tags/v1",
    "build_config_uri": f"{REPOSITORY}/.github/workflows/release.yml@refs/tags/v1",
    "build_trigger": "push",
}
DEMANDS = {
    "repository": "acme/plugins",
    "repository_id": "1234",
    "owner_id": "99",
    "workflow": "release.yml",
    "ref_prefix": "refs/tags/",
    "trigger": ["push"],
}


class Case(NamedTuple):
    """What is done to a stage, in code and in words."""

    words: str
    act: Callable[[Stage], Iterator[None]]


CASES: dict[str, Case] = {}


def case(code: str, words: str) -> Callable[[Callable[[Stage], Iterator[None]]], None]:
    """Enter the one case of a code."""

    def enter(act: Callable[[Stage], Iterator[None]]) -> None:
        assert code not in CASES, code
        CASES[code] = Case(words, act)

    return enter


class Stage:
    """A signed release, a home with a policy, and what is asked about them."""

    def __init__(self, release, home, monkeypatch, repository):
        self.release, self.home, self.monkeypatch, self.repository = release, home, monkeypatch, repository
        self.roots = {"corp": {"trusted_root": str(release.trusted_root), "assurance": "private"}}
        self.more = {}
        self.pins = {}
        self.key = make_key()
        self.ask = self.verify
        self.write()

    def write(self):
        """Write the policy."""
        document = {"version": 1, "serial": 5, "roots": self.roots, **self.more}
        self.home.trust_policy.write_text(json.dumps(document))

    def policy(self, **more):
        """Change keys of the policy."""
        self.more |= more
        self.write()

    def own(self, **demands):
        """Have a rule own the name of the release, which it fits but for these demands."""
        fitting = {"root": "corp", "issuer": self.release.instance.issuer, "identity": "dev@localhost"}
        self.policy(publishers=[{"plugins": ["tiny-*"], **fitting, **demands}])

    def pin(self, **values):
        """Pin a signer of the name, which the release has but for these values."""
        with self.verify() as verified:
            self.pins["tiny-plugin"] = {**verified.pin.to_dict(), **values}

    def trust_key(self, key=None, name="fleet"):
        """Make a root of a key's file."""
        (self.home.root / f"{name}.pub").write_bytes(public_pem(key or self.key))
        self.roots[name] = {"keys": [f"{name}.pub"], "assurance": "key"}
        self.write()

    def build(self, **claims):
        """Sign as a build with these claims."""
        found = {name: value for name, value in (BUILT | claims).items() if value is not None}
        oids = {name: oid for oid, name in CLAIMS.items()}
        make = x509.CertificateBuilder

        def claiming():
            builder = make()
            for name, value in found.items():
                extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(oids[name]), der.utf8_string(value))
                builder = builder.add_extension(extension, critical=False)
            return builder

        with self.monkeypatch.context() as patch:
            patch.setattr(x509, "CertificateBuilder", claiming)
            self.release.state()

    def verify(self):
        """Ask for a verdict."""
        pins = {name: Pin.from_dict(values) for name, values in self.pins.items()}
        policy = load_policy(self.home)
        return verify(self.release.archive, policy=policy, pins=pins, signature=self.release.signature)

    def refresh(self):
        """Ask for the present public root."""
        refresh(self.home, url=self.repository.url, bootstrap=self.repository.root)


def material(document):
    return document["verificationMaterial"]


def entry(document):
    return material(document)["tlogEntries"][0]


def edit_root(stage, change):
    """Edit the pinned root."""
    document = json.loads(stage.release.trusted_root.read_bytes())
    change(document)
    stage.release.trusted_root.write_text(json.dumps(document))


# Step 0: the signature file.


@case("MOP3000", "the signature file is removed")
def _(stage):
    yield
    stage.release.signature.unlink()


@case("MOP3001", "the signature file is emptied")
def _(stage):
    yield
    stage.release.signature.write_bytes(b"")


@case("MOP3002", "the signature file is made 1 TiB long")
def _(stage):
    yield
    with stage.release.signature.open("r+b") as file:
        file.truncate(1 << 40)


@case("MOP3003", "the signature file becomes a folder")
def _(stage):
    yield
    stage.release.signature.unlink()
    stage.release.signature.mkdir()


@case("MOP3004", "a comma is added at the end of the signature")
def _(stage):
    yield
    text = stage.release.signature.read_text()
    stage.release.signature.write_text(f"{text.rstrip()[:-1]},}}")


@case("MOP3005", "the media type becomes that of version 0.2")
def _(stage):
    yield
    stage.release.edit(lambda bundle: bundle.update(mediaType="application/vnd.dev.sigstore.bundle+json;version=0.2"))


@case("MOP3006", "an unknown key is added to the envelope")
def _(stage):
    yield
    stage.release.edit(lambda bundle: bundle["dsseEnvelope"].update(note="x"))


@case("MOP3007", "the padding of the payload is doubled")
def _(stage):
    yield
    stage.release.edit(lambda bundle: bundle["dsseEnvelope"].update(payload=bundle["dsseEnvelope"]["payload"] + "=="))


@case("MOP3008", "the signature is listed twice")
def _(stage):
    yield
    stage.release.edit(lambda bundle: bundle["dsseEnvelope"]["signatures"].extend(bundle["dsseEnvelope"]["signatures"]))


@case("MOP3009", "the signature of an owned name is removed")
def _(stage):
    stage.own()
    yield
    stage.release.signature.unlink()


# Step 1: the signature.


@case("MOP3010", "the verifier refuses for a reason that it has no word for")
def _(stage):
    yield

    def refuse(*_, **__):
        raise ValueError("inside")

    stage.monkeypatch.setattr("mobileops.runtime.trust._sigstore.Verifier.verify_dsse", refuse)


@case("MOP3011", "a second identity is certified")
def _(stage):
    stage.release.state()
    yield
    alone = x509.SubjectAlternativeName
    stage.monkeypatch.setattr(x509, "SubjectAlternativeName", lambda names: alone([*names, x509.RFC822Name("b@b")]))
    stage.release.state()


@case("MOP3012", "the payload below the signature of a key is exchanged")
def _(stage):
    stage.trust_key()
    stage.release.state_with_key(stage.key)
    yield
    stage.release.edit(lambda bundle: bundle["dsseEnvelope"].update(payload="e30="))


def drop_promise(bundle):
    del entry(bundle)["integratedTime"], entry(bundle)["inclusionPromise"]


@case("MOP3013", "the only time stamp is removed")
def _(stage):
    stage.release.edit(drop_promise)
    yield
    stage.release.edit(lambda bundle: material(bundle).pop("timestampVerificationData"))


@case("MOP3014", "the time stamp of another signature is put in")
def _(stage):
    other = json.loads(stage.release.instance.sign_statement(b"{}", identity="dev@localhost"))
    stamps = material(other)["timestampVerificationData"]
    yield
    stage.release.edit(lambda bundle: material(bundle).update(timestampVerificationData=stamps))


@case("MOP3015", "the log's time is set to 1970")
def _(stage):
    yield
    stage.release.edit(lambda bundle: entry(bundle).update(integratedTime="1"))


@case("MOP3016", "the root loses its log of certificates")
def _(stage):
    yield
    edit_root(stage, lambda root: root.update(ctlogs=[]))


@case("MOP3017", "the certificate is issued for another purpose")
def _(stage):
    stage.release.state()
    yield
    purpose = "mobileops.toolchain.sign.certificates.CODE_SIGNING"
    stage.monkeypatch.setattr(purpose, ExtendedKeyUsageOID.CLIENT_AUTH)
    stage.release.state()


@case("MOP3018", "the root hash of the inclusion proof is exchanged")
def _(stage):
    yield
    stage.release.edit(lambda bundle: entry(bundle)["inclusionProof"].update(rootHash="A" * 43 + "="))


@case("MOP3019", "the checkpoint is signed by nobody")
def _(stage):
    yield
    note = "x\n1\nAAAA\n\n\u2014 x AAAAAAAA\n"
    stage.release.edit(lambda bundle: entry(bundle)["inclusionProof"]["checkpoint"].update(envelope=note))


@case("MOP3020", "the log's promise is exchanged")
def _(stage):
    yield
    stage.release.edit(lambda bundle: entry(bundle)["inclusionPromise"].update(signedEntryTimestamp="AAAA"))


@case("MOP3021", "the payload is exchanged")
def _(stage):
    yield
    stage.release.edit(lambda bundle: bundle["dsseEnvelope"].update(payload="e30="))


@case("MOP3022", "the log entry is said to be of another version")
def _(stage):
    yield
    stage.release.edit(lambda bundle: entry(bundle)["kindVersion"].update(version="0.0.3"))


@case("MOP3023", "the certificate is replaced by three zeros")
def _(stage):
    yield
    stage.release.edit(lambda bundle: material(bundle)["certificate"].update(rawBytes="AAAA"))


# Step 3: the types. Whoever signs says something else about the same archive.


@case("MOP3030", "the payload is signed as another type")
def _(stage):
    stage.release.state()
    yield
    stage.monkeypatch.setattr("mobileops.toolchain.sign.local.PAYLOAD_TYPE", "application/json")
    stage.release.state()


@case("MOP3031", "a text without structure is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.sign(b"not json")


@case("MOP3032", "a statement of in-toto version 0.1 is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said.update(_type="https://in-toto.io/Statement/v0.1"))


@case("MOP3033", "another predicate is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said.update(predicateType="https://slsa.dev/provenance/v1"))


@case("MOP3034", "a statement without a version is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said["predicate"].pop("version"))


# Step 4: the subjects.


@case("MOP3040", "a byte of a member is changed")
def _(stage):
    yield
    stage.release.change_member()


@case("MOP3041", "the archive is renamed to another version")
def _(stage):
    yield
    stage.release.archive = stage.release.archive.rename(stage.release.archive.with_name("tiny-plugin-9.9.9.zip"))


@case("MOP3042", "another file table is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said["subject"][1]["digest"].update(sha256="0" * 64))


@case("MOP3043", "a statement without the file table is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said["subject"].pop(1))


# Step 5: the manifest.


@case("MOP3050", "another name is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said["predicate"].update(name="famous-plugin"))


@case("MOP3051", "another version is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said["predicate"].update(version="1.2.4"))


@case("MOP3052", "another manifest is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said["predicate"].update(manifestDigest={"sha256": "0" * 64}))


@case("MOP3053", "fewer permissions are signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(lambda said: said["predicate"]["permissions"].pop())


# Step 6: the members.


@case("MOP3060", "a member that contradicts the file table is signed")
def _(stage):
    stage.release.state()
    yield
    stage.release.change_member()
    stage.release.state()


# The policy.


@case("MOP3100", "the policy becomes a folder")
def _(stage):
    yield
    stage.home.trust_policy.unlink()
    stage.home.trust_policy.mkdir()


@case("MOP3101", "the policy loses its last bracket")
def _(stage):
    yield
    stage.home.trust_policy.write_text(stage.home.trust_policy.read_text()[:-1])


@case("MOP3102", "a key of the policy is misspelt")
def _(stage):
    stage.policy(max_root_age_days=180)
    yield
    stage.more = {"max_root_age_day": 180}
    stage.write()


@case("MOP3103", "the policy allows unsigned plugins")
def _(stage):
    stage.policy(unsigned="deny")
    yield
    stage.policy(unsigned="allow")


@case("MOP3104", "a rule names a root that is not there")
def _(stage):
    stage.own()
    yield
    stage.own(root="corpse")


@case("MOP3105", "a second rule claims the same names")
def _(stage):
    stage.own()
    yield
    stage.policy(publishers=2 * stage.more["publishers"])


@case("MOP3106", "the file of the root is emptied")
def _(stage):
    yield
    stage.release.trusted_root.write_bytes(b"")


@case("MOP3107", "the pin loses its root")
def _(stage):
    stage.pin()
    yield
    del stage.pins["tiny-plugin"]["root"]


@case("MOP3108", "the policy of last week comes back")
def _(stage):
    yield
    stage.policy(serial=4)


@case("MOP3109", "the file of the key is cut")
def _(stage):
    stage.trust_key()
    stage.release.state_with_key(stage.key)
    yield
    (stage.home.root / "fleet.pub").write_bytes(public_pem(stage.key)[:60])


# Step 2: the signer.


@case("MOP3110", "another instance signs as the same person")
def _(stage):
    stage.release.state()
    yield
    stage.release.state(instance=LocalInstance.open_or_create(stage.home.root / "foreign"))


@case("MOP3111", "the rule demands the public root")
def _(stage):
    stage.roots["public"] = {"public_instance": True, "assurance": "public"}
    stage.own()
    yield
    stage.own(root="public")


@case("MOP3112", "the rule demands another issuer")
def _(stage):
    stage.own()
    yield
    stage.own(issuer="https://accounts.example.org")


@case("MOP3113", "somebody else signs")
def _(stage):
    stage.own()
    yield
    stage.release.state(identity="eve@localhost")


@case("MOP3114", "somebody else signs a pinned name")
def _(stage):
    stage.pin()
    yield
    stage.release.state(identity="eve@localhost")


@case("MOP3115", "the rule allows one permission less")
def _(stage):
    stage.own(max_permissions=["network", "filesystem.read:/data"])
    yield
    stage.own(max_permissions=["network"])


@case("MOP3116", "another key of the policy signs")
def _(stage):
    other = make_key()
    stage.trust_key()
    stage.trust_key(other, "other")
    stage.policy(publishers=[{"plugins": ["tiny-*"], "root": "fleet"}])
    stage.release.state_with_key(stage.key)
    yield
    stage.release.state_with_key(other)


def owned_by_a_build(stage):
    """Have a rule own the name that demands everything of a build, and meet it."""
    rule = {"plugins": ["tiny-*"], "root": "corp", "issuer": stage.release.instance.issuer, **DEMANDS}
    stage.policy(publishers=[rule])
    stage.build()


@case("MOP3117", "a fork is built")
def _(stage):
    owned_by_a_build(stage)
    yield
    stage.build(source_repository_uri="https://github.com/mallory/plugins")


@case("MOP3118", "a repository that took over the name is built")
def _(stage):
    owned_by_a_build(stage)
    yield
    stage.build(source_repository_identifier="6666")


@case("MOP3119", "the repository of an owner who took over the name is built")
def _(stage):
    owned_by_a_build(stage)
    yield
    stage.build(source_repository_owner_identifier="66")


@case("MOP3120", "another workflow builds")
def _(stage):
    owned_by_a_build(stage)
    yield
    stage.build(build_config_uri=f"{REPOSITORY}/.github/workflows/test.yml@refs/tags/v1")


@case("MOP3121", "a branch is built")
def _(stage):
    owned_by_a_build(stage)
    yield
    stage.build(source_repository_ref="refs/heads/main")


@case("MOP3122", "a pull request starts the build")
def _(stage):
    owned_by_a_build(stage)
    yield
    stage.build(build_trigger="pull_request")


@case("MOP3123", "a key that the policy does not have signs")
def _(stage):
    stage.trust_key()
    stage.release.state_with_key(stage.key)
    yield
    stage.release.state_with_key(make_key())


@case("MOP3124", "a rule owns `t1ny-plugin`")
def _(stage):
    yield
    stage.own(plugins=["t1ny-plugin"])


@case("MOP3125", "the root of a pinned signer is said to be local only")
def _(stage):
    stage.pin()
    yield
    stage.roots["corp"]["assurance"] = "local"
    stage.write()


@case("MOP3126", "a key signs a name whose identity is pinned")
def _(stage):
    stage.trust_key()
    stage.pin()
    yield
    stage.release.state_with_key(stage.key)


@case("MOP3127", "a repository that took over the pinned name is built")
def _(stage):
    stage.build()
    stage.pin()
    yield
    stage.build(source_repository_identifier="6666")


@case("MOP3128", "the rule of the key names other plugins")
def _(stage):
    (stage.home.root / "fleet.pub").write_bytes(public_pem(stage.key))
    stage.release.state_with_key(stage.key)
    stage.policy(publishers=[{"plugins": ["tiny-*"], "key": "fleet.pub"}])
    yield
    stage.policy(publishers=[{"plugins": ["huge-*"], "key": "fleet.pub"}])


# Keys, state, refreshing.


@case("MOP3130", "the key file gets a P-384 key")
def _(stage):
    stage.trust_key()
    stage.release.state_with_key(stage.key)
    yield
    (stage.home.root / "fleet.pub").write_bytes(public_pem(make_key("p384")))


@case("MOP3131", "the record of the serial is emptied")
def _(stage):
    yield
    stage.home.trust_state.write_bytes(b"")


@case("MOP3132", "the repository is signed with another key")
def _(stage):
    root = stage.release.instance.trusted_root_json()
    stage.repository.publish(root)
    stage.ask = stage.refresh
    yield
    stage.repository.publish(root, version=2, signer=CryptoSigner.generate_ed25519())


@case("MOP3133", "an empty document is published as the root")
def _(stage):
    stage.repository.publish(stage.release.instance.trusted_root_json())
    stage.ask = stage.refresh
    yield
    stage.repository.publish(b"{}", version=2)


# Step 7: revocation.


@case("MOP3170", "the digest of the archive is revoked")
def _(stage):
    with stage.verify() as verified:
        digest = verified.sha256
    yield
    stage.policy(revoked={"sha256": [digest]})


@case("MOP3171", "the key is revoked")
def _(stage):
    stage.trust_key()
    stage.release.state_with_key(stage.key)
    yield
    stage.policy(revoked={"key_hints": [keys.hint_of(stage.key.public_key())]})


@case("MOP3172", "the identity is revoked")
def _(stage):
    yield
    stage.policy(revoked={"identities": [{"identity": "dev@localhost"}]})
