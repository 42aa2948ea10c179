"""Keep the files of a local instance: made whole or not at all, opened only when nobody else can read the keys."""

from __future__ import annotations

import dataclasses
import os
import secrets
import shutil
import stat
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mobileops.errors import HostFault, ManifestError
from mobileops.manifest.json_text import canonical, loads
from mobileops.runtime import durable
from mobileops.toolchain.sign import certificates
from mobileops.toolchain.sign.certificates import Authority, Profile
from mobileops.toolchain.sign.trusted_root import Material

INSTANCE: Final = "instance.json"
TRUSTED_ROOT: Final = "trusted_root.json"
TREE: Final = "tree"
LIFETIME: Final = timedelta(days=3650)
CLOCK_SKEW: Final = timedelta(minutes=5)
MAX_FILE_BYTES: Final = 64 << 10
FORMAT_VERSION: Final = 1
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """What the directory holds, read and checked.

    Attributes:
        issuer: URL that names the instance.
        origin: name of its log.
        created: start of its validity, in UTC.
        authority: intermediate that certifies signers.
        timestamp_authority: key and certificate of the time stamps.
        certificate_log_key: key of the certificate transparency log.
        log_key: key of the signature transparency log.
    """

    issuer: str
    origin: str
    created: datetime
    authority: Authority
    timestamp_authority: Authority
    certificate_log_key: ec.EllipticCurvePrivateKey
    log_key: ec.EllipticCurvePrivateKey


def exists(directory: Path) -> bool:
    """Tell whether the directory holds an instance; an empty or absent one does not.

    Raises:
        HostFault: ``MOP3202``, the directory cannot be looked into.
    """
    try:
        return (directory / INSTANCE).exists()
    except OSError as error:
        raise _unreadable(directory, error) from error


def create(directory: Path, *, now: datetime) -> None:
    """Make an instance: built aside, then renamed into place, so that no reader ever sees half of one.

    Of two processes that do this at once, one wins and the other's work is dropped.

    Raises:
        HostFault: ``MOP3202`` the disk says no, ``MOP3204`` the directory holds something else.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))  # mode 0700
        try:
            _build(aside, now=now)
            _put_in_place(aside, directory)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise HostFault(
            f"the local signing instance cannot be made: {error.strerror}",
            code="MOP3202",
            where=str(directory),
            fix="choose a directory that you may write to",
        ) from error


def load(directory: Path) -> Stored:
    """Read an instance.

    Raises:
        HostFault: ``MOP3202`` a file cannot be read, ``MOP3203`` others may read or write the keys, ``MOP3204`` a file
            is damaged.
    """
    try:
        _refuse_others(directory)
        described = _description(directory)
        return Stored(
            issuer=described["issuer"],
            origin=described["origin"],
            created=datetime.strptime(described["created"], TIME_FORMAT).replace(tzinfo=UTC),
            authority=_read_authority(directory, "ca"),
            timestamp_authority=_read_authority(directory, "tsa"),
            certificate_log_key=_read_key(directory, "ctlog"),
            log_key=_read_key(directory, "rekor"),
        )
    except OSError as error:
        raise _unreadable(directory, error) from error
    except (ValueError, KeyError, TypeError, ManifestError) as error:
        raise HostFault(
            f"the local signing instance is damaged: {error}",
            code="MOP3204",
            where=str(directory),
            fix="restore it from a copy, or move the directory away to get a new instance",
        ) from error


def read_trusted_root(directory: Path) -> bytes:
    """Return the bytes of ``trusted_root.json``."""
    return _read(directory / TRUSTED_ROOT)


def read_root(directory: Path) -> x509.Certificate:
    """Return the certificate above the intermediate authority."""
    return x509.load_pem_x509_certificate(_read(directory / "root.pem"))


def _unreadable(directory: Path, error: OSError) -> HostFault:
    return HostFault(
        f"the local signing instance cannot be read: {error.strerror}",
        code="MOP3202",
        where=str(error.filename or directory),
        fix="restore the file, or move the directory away to get a new instance",
    )


def _build(directory: Path, *, now: datetime) -> None:
    name = f"local-{secrets.token_hex(8)}.mobileops.invalid"
    created = now - CLOCK_SKEW
    validity = (created, created + LIFETIME)
    root = certificates.certify(Profile("root", path_length=1), organization=name, validity=validity)
    ca_profile = Profile("intermediate", usage=certificates.CODE_SIGNING, path_length=0)
    ca = certificates.certify(ca_profile, organization=name, validity=validity, parent=root)
    tsa_root = certificates.certify(Profile("time root", path_length=0), organization=name, validity=validity)
    tsa_profile = Profile("time", usage=certificates.TIME_STAMPING)
    tsa = certificates.certify(tsa_profile, organization=name, validity=validity, parent=tsa_root)
    keys = {"ca": ca.key, "tsa": tsa.key, "ctlog": certificates.new_key(), "rekor": certificates.new_key()}
    for stem, key in keys.items():
        _write(directory / f"{stem}.key", _key_pem(key))
    for stem, authority in {"ca": ca, "root": root, "tsa": tsa, "tsa-root": tsa_root}.items():
        _write(directory / f"{stem}.pem", authority.certificate.public_bytes(serialization.Encoding.PEM))
    start = created.strftime(TIME_FORMAT)
    material = Material(
        name=name,
        start=start,
        log_key=keys["rekor"],
        certificate_log_key=keys["ctlog"],
        authorities=(ca.certificate, root.certificate),
        timestamp_authorities=(tsa.certificate, tsa_root.certificate),
    )
    _write(directory / TRUSTED_ROOT, material.trusted_root())
    _write(directory / TREE, b"")
    described = {"version": FORMAT_VERSION, "issuer": f"https://{name}", "origin": name, "created": start}
    _write(directory / INSTANCE, canonical(described))
    durable.sync_folder(directory)


def _put_in_place(aside: Path, directory: Path) -> None:
    try:
        aside.rename(directory)  # replaces an empty directory, fails on any other
    except OSError as error:
        if exists(directory):
            return
        if directory.exists():
            raise HostFault(
                f"{directory.name!r} holds something that is no signing instance",
                code="MOP3204",
                where=str(directory),
                fix="choose an empty directory",
            ) from error
        raise
    durable.sync_folder(directory.parent)


def _refuse_others(directory: Path) -> None:
    """Refuse an instance whose keys another user can read or replace."""
    for path in (directory, *(directory / f"{stem}.key" for stem in ("ca", "tsa", "ctlog", "rekor"))):
        found = path.lstat()
        if found.st_uid == os.geteuid() and not found.st_mode & OTHERS and not stat.S_ISLNK(found.st_mode):
            continue
        raise HostFault(
            f"{path.name!r} is open to other users",
            code="MOP3203",
            where=str(path),
            why="whoever can read a signing key can sign as you",
            fix=f"chown it to yourself and chmod go= it, if nobody else had access; otherwise remove {directory}",
        )


def _description(directory: Path) -> dict[str, str]:
    described = loads(_read(directory / INSTANCE), where=INSTANCE)
    if set(described) != {"version", "issuer", "origin", "created"} or described.pop("version") != FORMAT_VERSION:
        message = f"{INSTANCE} has other keys or another version than {FORMAT_VERSION}"
        raise ValueError(message)
    return {key: str(value) for key, value in described.items()}


def _read_authority(directory: Path, stem: str) -> Authority:
    key = _read_key(directory, stem)
    certificate = x509.load_pem_x509_certificate(_read(directory / f"{stem}.pem"))
    if certificate.public_key() != key.public_key():
        message = f"{stem}.pem does not belong to {stem}.key"
        raise ValueError(message)
    return Authority(key, certificate)


def _read_key(directory: Path, stem: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(_read(directory / f"{stem}.key"), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        message = f"{stem}.key is not an elliptic curve key"
        raise TypeError(message)
    return key


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
