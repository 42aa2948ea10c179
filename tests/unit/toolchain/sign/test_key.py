from __future__ import annotations

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from mobileops.errors import UsageError
from mobileops.toolchain.sign import KeySigner, sign_bundle
from mobileops.toolchain.sign.dsse import pre_authentication_encoding
from mobileops.toolchain.sign.key import accept, hint

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def p256():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize("make", [p256, ed25519.Ed25519PrivateKey.generate])
def test_the_signature_covers_the_statement_and_its_type(make):
    key = make()
    document = json.loads(KeySigner(key).sign(b'{"a":1}').bundle)
    envelope = document["dsseEnvelope"]
    assert base64.b64decode(envelope["payload"]) == b'{"a":1}'
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    message = pre_authentication_encoding(PAYLOAD_TYPE, b'{"a":1}')
    algorithm = [ec.ECDSA(hashes.SHA256())] if isinstance(key, ec.EllipticCurvePrivateKey) else []
    key.public_key().verify(signature, message, *algorithm)


def test_the_bundle_holds_the_hint_of_the_key_and_nothing_else_about_it():
    key = p256()
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    expected = base64.b64encode(hashlib.sha256(spki).digest()).decode()
    document = json.loads(KeySigner(key).sign(b"{}").bundle)
    assert document["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert document["verificationMaterial"] == {"publicKey": {"hint": expected}, "tlogEntries": []}
    assert hint(key.public_key()) == expected


def test_a_bundle_signed_with_a_key_says_so(archive):
    signer = KeySigner(ed25519.Ed25519PrivateKey.generate())
    signed = sign_bundle(archive, signer=signer)
    assert (signed.by.mode, signed.by.issuer, signed.by.assurance) == ("key", None, "key")
    assert signed.by.identity == signer.hint


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: ec.generate_private_key(ec.SECP384R1()), "secp384r1"),
        (lambda: ec.generate_private_key(ec.SECP521R1()), "secp521r1"),
        (lambda: ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
        (lambda: rsa.generate_private_key(65537, 2048), "RSAPrivateKey"),
    ],
)
def test_a_key_that_not_every_client_verifies_is_refused_with_the_reason(make, named):
    with pytest.raises(UsageError, match=named) as caught:
        accept(make(), where="k")
    assert caught.value.code == "MOP3213"
    assert caught.value.why
