from __future__ import annotations

import errno
import os
import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mobileops.errors import HostFault, MobileOpsError, NotFoundError, UsageError
from mobileops.toolchain.sign import keys, pkcs8


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "keys"


def never():
    pytest.fail("asked for a passphrase that is not needed")


def code_of(call, *arguments, kind=MobileOpsError, **keywords):
    with pytest.raises(kind) as caught:
        call(*arguments, **keywords)
    return caught.value.code


@pytest.mark.parametrize("key_type", keys.KEY_TYPES)
@pytest.mark.parametrize("passphrase", [None, b"secret"])
def test_a_made_key_is_listed_found_and_signs(folder, key_type, passphrase):
    made = keys.generate(folder, "release", key_type=key_type, passphrase=passphrase)
    assert keys.listed(folder) == (made,)
    assert keys.find(folder, "release") == made
    assert (made.type, made.encrypted) == (key_type, passphrase is not None)
    signer = keys.load(made.path, passphrase=(lambda: passphrase) if passphrase else never)
    assert signer.hint == made.hint


def test_nobody_else_can_read_a_made_key(folder):
    before = os.umask(0)
    try:
        made = keys.generate(folder, "release", key_type="p256", passphrase=None)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.with_suffix(".pub").stat().st_mode) == 0o644


@pytest.mark.parametrize("taken", ["release.key", "release.pub"])
def test_an_existing_file_is_never_overwritten(folder, taken):
    folder.mkdir()
    (folder / taken).write_text("precious")
    assert code_of(keys.generate, folder, "release", key_type="p256", passphrase=None, kind=UsageError) == "MOP3216"
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [(taken, "precious")]


def test_of_two_that_make_the_same_key_one_is_refused(folder, monkeypatch):
    keys.generate(folder, "release", key_type="p256", passphrase=None)
    monkeypatch.setattr(keys, "check_free", lambda folder, name: folder / f"{name}.key")
    before = (folder / "release.key").read_bytes()
    assert code_of(keys.generate, folder, "release", key_type="p256", passphrase=None) == "MOP3216"
    assert (folder / "release.key").read_bytes() == before


def test_a_full_disk_leaves_no_half_of_a_key(folder, monkeypatch):
    real, calls = os.fsync, []

    def full_at_the_second(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full_at_the_second)
    assert code_of(keys.generate, folder, "release", key_type="p256", passphrase=None, kind=HostFault) == "MOP3210"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "../x", "a/b", "Release", "x" * 65, "-x", "x\n"])
def test_a_name_that_is_no_plain_file_name_is_refused(folder, name):
    assert code_of(keys.generate, folder, name, key_type="p256", passphrase=None) == "MOP3217"
    assert code_of(keys.find, folder, name) == "MOP3217"


def test_a_key_that_others_can_read_does_not_sign(folder):
    made = keys.generate(folder, "release", key_type="p256", passphrase=None)
    made.path.chmod(0o640)
    assert code_of(keys.load, made.path, passphrase=never, kind=HostFault) == "MOP3211"


def test_a_key_of_another_type_does_not_sign(tmp_path):
    path = tmp_path / "k.key"
    pem = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(pem)
    path.chmod(0o600)
    assert code_of(keys.load, path, passphrase=never) == "MOP3213"


def test_a_missing_key_is_not_found(folder):
    assert keys.listed(folder) == ()
    assert code_of(keys.find, folder, "release", kind=NotFoundError) == "MOP3218"
    assert code_of(keys.load, folder / "release.key", passphrase=never, kind=NotFoundError) == "MOP3218"


def test_a_folder_in_the_place_of_a_key_cannot_be_read(tmp_path):
    assert code_of(keys.public_key, tmp_path, kind=HostFault) == "MOP3210"
    (tmp_path / "file").touch()
    assert code_of(keys.listed, tmp_path / "file", kind=HostFault) == "MOP3210"


def test_a_damaged_public_key_is_named(folder):
    made = keys.generate(folder, "release", key_type="p256", passphrase=None)
    made.path.with_suffix(".pub").write_text("garbage")
    assert code_of(keys.listed, folder, kind=UsageError) == "MOP3212"


def test_a_public_key_is_exported_once(folder, tmp_path):
    made = keys.generate(folder, "release", key_type="ed25519", passphrase=b"x")
    pem = keys.public_pem(keys.public_key(made.path.with_suffix(".pub")))
    keys.write_public(tmp_path / "out.pub", pem)
    assert b"PUBLIC" in pem
    assert pkcs8.ENCRYPTED_MARK not in pem
    assert code_of(keys.write_public, tmp_path / "out.pub", pem) == "MOP3216"
    assert code_of(keys.write_public, tmp_path / "none" / "out.pub", pem, kind=HostFault) == "MOP3210"
