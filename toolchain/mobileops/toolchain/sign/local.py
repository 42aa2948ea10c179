"""An embedded Sigstore instance: certificate authority, transparency logs and time stamps of one directory.

It signs without network or account, and what it makes is an ordinary Sigstore bundle: unmodified clients accept it with
the instance's ``trusted_root.json``. It is one party, though. Whoever holds the directory is all four services at once,
so its log and its time prove nothing to others: that is what the assurance ``local`` says.

The directory, mode 0700, keys 0600::

    instance.json       id, issuer and start of validity
    ca.key   ca.pem     intermediate certificate authority, under root.pem
    tsa.key  tsa.pem    time-stamping authority, under tsa-root.pem; the keys of both roots were used once and dropped
    ctlog.key           certificate transparency log
    rekor.key  tree     signature transparency log and its Merkle tree
    trusted_root.json   what verifiers pin; the only file that may leave the directory
"""

from __future__ import annotations

import base64
import dataclasses
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature

from mobileops.errors import HostFault
from mobileops.manifest.json_text import canonical
from mobileops.runtime.trust.statement import PAYLOAD_TYPE
from mobileops.toolchain.sign import certificates, storage, trusted_root
from mobileops.toolchain.sign.dsse import Envelope
from mobileops.toolchain.sign.identity import general_name
from mobileops.toolchain.sign.log import TransparencyLog
from mobileops.toolchain.sign.signer import Signature, SignedBy
from mobileops.toolchain.sign.timestamp import TimestampAuthority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Self

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    from mobileops.toolchain.sign.timestamp import Request

BUNDLE_MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"


def utc_now() -> datetime:
    """Return the time in UTC, in whole seconds: the resolution of certificates."""
    return datetime.now(UTC).replace(microsecond=0)


class LocalInstance:
    """One embedded instance, open for signing. Make it with ``open_or_create``.

    Attributes:
        directory: where it lives.
        issuer: URL under ``.invalid`` that names this instance in every certificate it issues.
    """

    def __init__(self, directory: Path, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.directory = directory
        self._clock = clock
        stored = storage.load(directory)
        self.issuer: Final = stored.issuer
        self._created = stored.created
        self._authority = stored.authority
        self._certificate_log_key = stored.certificate_log_key
        self._log = TransparencyLog(directory / storage.TREE, stored.log_key, stored.origin)
        self._timestamps = TimestampAuthority(stored.timestamp_authority.key, stored.timestamp_authority.certificate)

    @classmethod
    def open_or_create(cls, directory: Path, *, clock: Callable[[], datetime] = utc_now) -> Self:
        """Open the instance in ``directory``; make it first when there is none.

        Raises:
            HostFault: ``MOP3202`` the directory cannot be made or read, ``MOP3203`` its keys are open to others,
                ``MOP3204`` it holds something else or is damaged.
        """
        if not storage.exists(directory):
            storage.create(directory, now=clock())
        return cls(directory, clock=clock)

    def trusted_root_json(self) -> bytes:
        """Return the trust root that a verifier pins, as Sigstore's ``TrustedRoot`` JSON."""
        return storage.read_trusted_root(self.directory)

    def client_trust_config_json(self, *, url: str | None = None) -> bytes:
        """Return the trust root in the wrapping that ``sigstore --trust-config`` reads.

        Args:
            url: where ``service`` serves the instance; without one, the configuration can only verify.
        """
        start = self._created.strftime(storage.TIME_FORMAT)
        return trusted_root.client_trust_config(self.trusted_root_json(), url=url, start=start)

    def sign_statement(self, statement: bytes, *, identity: str) -> bytes:
        """Sign an in-toto statement and return the Sigstore bundle (v0.3, JSON).

        Each call makes a key, has it certified for ten minutes, signs once and forgets it.

        Args:
            statement: the exact bytes to sign.
            identity: e-mail address or URI that the certificate names.

        Raises:
            UsageError: ``MOP3201``, the identity is neither.
            HostFault: ``MOP3205`` the clock is outside the instance's validity, ``MOP3206`` the log cannot be written.
        """
        key = certificates.new_key()
        certificate = self.certify(key.public_key(), identity=identity)
        now = self._now()  # not before the certificate: it would not be valid yet when a second begins in between
        envelope = Envelope.sign(statement, PAYLOAD_TYPE, key=key)
        token = self._timestamps.stamp(envelope.signature, now=now)
        with self._writing():
            entry = self._log.add(envelope, certificate, now=now)
        material = {
            "certificate": {"rawBytes": _text(certificates.certificate_der(certificate))},
            "tlogEntries": [entry],
            "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": _text(token)}]},
        }
        return _bundle(material, envelope)

    def certify(self, key: ec.EllipticCurvePublicKey, *, identity: str) -> x509.Certificate:
        """Certify a one-time key for ten minutes.

        Raises:
            UsageError: ``MOP3201``, the identity cannot be one.
            HostFault: ``MOP3205``, the clock is outside the instance's validity.
        """
        return certificates.issue(
            key,
            authority=self._authority,
            log_key=self._certificate_log_key,
            name=general_name(identity),
            issuer=self.issuer,
            now=self._now(),
        )

    def has_certified(self, certificate: x509.Certificate) -> bool:
        """Tell whether a certificate is one of this instance and valid now."""
        try:
            certificate.verify_directly_issued_by(self._authority.certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return certificate.not_valid_before_utc <= self._now() <= certificate.not_valid_after_utc

    def chain(self) -> tuple[x509.Certificate, ...]:
        """Return the certificates above a signer's, root last."""
        return (self._authority.certificate, storage.read_root(self.directory))

    def log(self, body: bytes, kind: str) -> dict[str, Any]:
        """Append an entry in canonical form to the signature log; see ``TransparencyLog.append``.

        Raises:
            HostFault: ``MOP3205`` the clock is outside the instance's validity, ``MOP3206`` the log cannot be written.
        """
        with self._writing():
            return self._log.append(body, kind, now=self._now())

    def stamp(self, request: Request) -> bytes:
        """Return a time stamp.

        Raises:
            HostFault: ``MOP3205``, the clock is outside the instance's validity.
        """
        return self._timestamps.answer(request, now=self._now())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise HostFault(
                f"the signing log cannot be written: {error.strerror}",
                code="MOP3206",
                where=str(self.directory / storage.TREE),
                fix="free space, or make the directory writable for you",
            ) from error

    def _now(self) -> datetime:
        now = self._clock()
        if self._created <= now < self._created + storage.LIFETIME - timedelta(days=1):
            return now
        raise HostFault(
            f"the clock says {now:%Y-%m-%d}, outside the validity of this signing instance",
            code="MOP3205",
            where=str(self.directory),
            why=f"it was made {self._created:%Y-%m-%d} and is valid for {storage.LIFETIME.days} days",
            fix="set the clock, or move the directory away to get a new instance",
        )


@dataclasses.dataclass(frozen=True, slots=True)
class LocalSigner:
    """Mode ``local``: an identity that the instance certifies because the account asks for it.

    Attributes:
        instance: who certifies.
        identity: e-mail address or URI of the signer.
    """

    instance: LocalInstance
    identity: str

    def sign(self, statement: bytes) -> Signature:
        """Sign an in-toto statement; see ``LocalInstance.sign_statement``."""
        bundle = self.instance.sign_statement(statement, identity=self.identity)
        return Signature(bundle, SignedBy("local", self.identity, self.instance.issuer, "local"))


def _bundle(material: dict[str, Any], envelope: Envelope) -> bytes:
    return canonical(
        {"mediaType": BUNDLE_MEDIA_TYPE, "verificationMaterial": material, "dsseEnvelope": envelope.to_dict()}
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
