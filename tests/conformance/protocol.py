"""The command line protocol of sigstore-conformance, answered by this project's signing and verification.

https://github.com/sigstore/sigstore-conformance/blob/main/docs/cli_protocol.md; only the exit code counts::

    verify-bundle --bundle FILE --certificate-identity ID --certificate-oidc-issuer URL [--trusted-root FILE] WHAT
    verify-bundle --bundle FILE --key PEM [--trusted-root FILE] WHAT
    sign-bundle [--in-toto] --identity-token TOKEN --bundle FILE --trusted-root FILE --signing-config FILE FILE

A device reads one shape of bundles, and the suite has many. So a bundle is verified with sigstore-python as a device
uses it, from a pinned root without cache and network, and then, if a device would read it, by the device's own code
too: both must accept it. Bundles signed with a key are verified with the device's code alone: the key and what it
signed; a log entry in them is not looked at, because mode ``key`` has none.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import hashlib
import json
import re
import sys
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from sigstore.hashes import Hashed
from sigstore.models import Bundle, ClientTrustConfig, TrustedRoot
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity
from sigstore_models.common.v1 import HashAlgorithm

from mobileops.errors import TrustRefused
from mobileops.runtime.trust import _sigstore, keys, public_root, signature_file
from mobileops.runtime.trust.rules import Root
from mobileops.toolchain.sign.keyless import Service, SigstoreSigner

PUBLIC_ROOT = Path(public_root.__file__).with_name("public_trusted_root.json")
CONFIG_TYPE = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"


class Refused(Exception):
    """The answer is no."""


@dataclasses.dataclass(frozen=True)
class Artifact:
    """What a bundle is about: a file, or the digest of one.

    Attributes:
        sha256: digest.
        content: its bytes, None if only the digest is known.
    """

    sha256: bytes
    content: bytes | None

    @classmethod
    def named(cls, word):
        """Read what stands on the command line; what is no digest is a path."""
        if re.fullmatch(r"sha256:[0-9a-f]{64}", word) and not Path(word).exists():
            return cls(bytes.fromhex(word.removeprefix("sha256:")), None)
        content = Path(word).read_bytes()
        return cls(hashlib.sha256(content).digest(), content)

    def refuse_unless_subject(self, payload):
        """Compare with the subjects of an in-toto statement."""
        subjects = json.loads(payload)["subject"]
        if all(subject["digest"].get("sha256") != self.sha256.hex() for subject in subjects):
            message = "the artifact is no subject of the statement"
            raise Refused(message)


def verify(options):
    """Verify a bundle, or raise."""
    artifact = Artifact.named(options.artifact)
    raw = Path(options.bundle).read_bytes()
    if options.key:
        verify_with_key(raw, Path(options.key), artifact)
        return
    root = Path(options.trusted_root or PUBLIC_ROOT)
    policy = Identity(identity=options.certificate_identity, issuer=options.certificate_oidc_issuer)
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(root)))
    bundle = Bundle.from_json(raw)
    if "dsseEnvelope" in json.loads(raw):
        _, payload = verifier.verify_dsse(bundle, policy)
        artifact.refuse_unless_subject(payload)
    else:
        hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=artifact.sha256)
        verifier.verify_artifact(artifact.content if artifact.content is not None else hashed, bundle, policy)
    verify_as_a_device(Path(options.bundle), root, options)


def verify_as_a_device(path, root, options):
    """Verify once more with the code of a device, if the bundle has the shape that it reads; return whether it has."""
    try:
        signature = signature_file.read(path)
    except TrustRefused:
        return False
    checked = _sigstore.check(signature, {Root("suite", "private", root): root.read_bytes()})
    if (checked.identity, checked.issuer) != (options.certificate_identity, options.certificate_oidc_issuer):
        message = f"signed by {checked.identity!r} of {checked.issuer!r}"
        raise Refused(message)
    return True


def verify_with_key(raw, path, artifact):
    """Verify a bundle that was signed with a key: its hint must be that of the key."""
    document = json.loads(raw)
    key = keys.load(path.read_bytes(), where=str(path))
    if document["verificationMaterial"]["publicKey"]["hint"] != keys.hint_of(key):
        message = "the bundle names another key"
        raise Refused(message)
    if "dsseEnvelope" in document:
        envelope = document["dsseEnvelope"]
        (signature,) = envelope["signatures"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        message = keys.pre_authentication_encoding(envelope["payloadType"], payload)
        keys._verify(key, base64.b64decode(signature["sig"], validate=True), message)
        artifact.refuse_unless_subject(payload)
        return
    signed = document["messageSignature"]
    value = base64.b64decode(signed["signature"], validate=True)
    if base64.b64decode(signed["messageDigest"]["digest"]) != artifact.sha256:
        message = "the bundle is about another artifact"
        raise Refused(message)
    if isinstance(key, ed25519.Ed25519PublicKey):
        if artifact.content is None:
            message = "Ed25519 signs the artifact, and only its digest is known"
            raise Refused(message)
        key.verify(value, artifact.content)
    else:
        key.verify(value, artifact.sha256, ec.ECDSA(utils.Prehashed(hashes.SHA256())))


def sign(options):
    """Sign an artifact or a statement, and write the bundle."""
    config = json.dumps(
        {
            "mediaType": CONFIG_TYPE,
            "trustedRoot": json.loads(Path(options.trusted_root).read_text()),
            "signingConfig": json.loads(Path(options.signing_config).read_text()),
        }
    )
    service = Service("private", ClientTrustConfig.from_json(config))
    token = IdentityToken(options.identity_token)
    content = Path(options.artifact).read_bytes()
    if options.in_toto:
        bundle = SigstoreSigner(service, token).sign(content).bundle
    else:  # nothing here signs bare artifacts, so this is the library
        with SigningContext.from_trust_config(service.config).signer(token) as signer:
            bundle = signer.sign_artifact(content).to_json().encode()
    Path(options.bundle).write_bytes(bundle)


def parse(words):
    """Read a command line of the protocol; what it does not have is not guessed at."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    verbs = parser.add_subparsers(required=True)
    verifying = verbs.add_parser("verify-bundle", allow_abbrev=False)
    verifying.set_defaults(run=verify)
    verifying.add_argument("--certificate-identity")
    verifying.add_argument("--certificate-oidc-issuer")
    verifying.add_argument("--key")
    verifying.add_argument("--trusted-root")
    signing = verbs.add_parser("sign-bundle", allow_abbrev=False)
    signing.set_defaults(run=sign)
    signing.add_argument("--in-toto", action="store_true")
    signing.add_argument("--identity-token", required=True)
    signing.add_argument("--trusted-root", required=True)
    signing.add_argument("--signing-config", required=True)
    for verb in (verifying, signing):
        verb.add_argument("--bundle", required=True)
        verb.add_argument("artifact")
    return parser.parse_args(words)


def main(words):
    """Answer one command line and return the exit code."""
    options = parse(words)
    try:
        options.run(options)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong, the answer is no
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0
