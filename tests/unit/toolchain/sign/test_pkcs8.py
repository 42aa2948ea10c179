from __future__ import annotations

import base64
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from mobileops.errors import UsageError
from mobileops.toolchain.sign import pkcs8

KEYS = [ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()]


def never():
    pytest.fail("asked for a passphrase that is not needed")


def same(one, other):
    plain = (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return one.private_bytes(*plain) == other.private_bytes(*plain)


@pytest.mark.parametrize("key", KEYS)
def test_what_is_written_is_read_again(key):
    assert same(pkcs8.read(pkcs8.write(key, passphrase=None), passphrase=never, where="k"), key)
    sealed = pkcs8.write(key, passphrase=b"correct horse")
    assert same(pkcs8.read(sealed, passphrase=lambda: b"correct horse", where="k"), key)


def test_openssl_reads_an_encrypted_key(tmp_path):
    (tmp_path / "k").write_bytes(pkcs8.write(KEYS[0], passphrase=b"correct horse"))
    command = ["openssl", "pkey", "-in", tmp_path / "k", "-passin", "stdin", "-outform", "DER"]
    shown = subprocess.run(command, input=b"correct horse\n", capture_output=True, timeout=60, check=True).stdout
    assert same(serialization.load_der_private_key(shown, None), KEYS[0])


def test_an_encrypted_key_does_not_contain_the_plain_one():
    plain = KEYS[1].private_bytes_raw()
    pem = pkcs8.write(KEYS[1], passphrase=b"p").replace(b"\n", b"").split(b"-----")[2]
    assert plain not in base64.b64decode(pem)


@pytest.mark.parametrize("damage", [b"other passphrase", None])
def test_a_wrong_passphrase_and_damage_are_told_as_one(damage):
    sealed = pkcs8.write(KEYS[0], passphrase=b"right")
    if damage is None:
        sealed = sealed[:300] + sealed[310:]
    with pytest.raises(UsageError) as caught:
        pkcs8.read(sealed, passphrase=lambda: damage or b"right", where="k")
    assert caught.value.code == "MOP3214"
    assert "right" not in str(caught.value)


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"nothing",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        KEYS[0].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        ),
    ],
)
def test_what_is_no_pkcs8_key_is_refused(pem):
    with pytest.raises(UsageError) as caught:
        pkcs8.read(pem, passphrase=never, where="k")
    assert caught.value.code == "MOP3212"
