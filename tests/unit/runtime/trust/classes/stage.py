"""What the cases share: the stage, how a case is entered, and how a signature file is taken apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509

from mobileops.runtime.trust import Pin, load_policy, verify
from mobileops.runtime.trust.certificate import CLAIMS
from mobileops.runtime.trust.refresh import refresh
from mobileops.toolchain.sign import der
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
