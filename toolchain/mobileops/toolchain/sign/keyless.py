"""Modes ``keyless`` and ``private``: a certificate for an OpenID Connect identity, from a Sigstore over the network.

One signature is: a one-time key, a certificate for it from Fulcio in exchange for an identity token, a time stamp, and
an entry in a transparency log. sigstore-python does it; this adds the token, retries, one kind of error, and a last
look: what does not verify under the trust root of the service is not handed out.

``keyless`` is the public-good instance. ``private`` is the same code with the trust configuration of another one:
a ``ClientTrustConfig`` file, or a TUF repository with its pinned root.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import id as ambient
from sigstore.dsse import Statement
from sigstore.models import ClientTrustConfig
from sigstore.oidc import IdentityToken, Issuer
from sigstore.sign import SigningContext
from sigstore.verify import Verifier

from mobileops.errors import HostFault, MobileOpsError, UsageError
from mobileops.runtime.trust import certificate
from mobileops.toolchain.sign.retry import Backoff
from mobileops.toolchain.sign.signer import Signature, SignedBy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Literal

    from cryptography.x509 import Certificate
    from sigstore.models import Bundle

AUDIENCE: Final = "sigstore"
MAX_CONFIG_BYTES: Final = 4 << 20


@dataclasses.dataclass(frozen=True, slots=True)
class Service:
    """A Sigstore to sign with.

    Attributes:
        mode: public or an organisation's own.
        config: its trust root, and where its services are.
    """

    mode: Literal["keyless", "private"]
    config: ClientTrustConfig

    @classmethod
    def public_good(cls, *, backoff: Backoff | None = None) -> Service:
        """Return the public-good instance; its trust root is refreshed over TUF.

        Raises:
            HostFault: ``MOP3222``, it cannot be reached.
        """
        return cls("keyless", _from_tuf(ClientTrustConfig.production, backoff, where="tuf-repo-cdn.sigstore.dev"))

    @classmethod
    def from_file(cls, path: Path) -> Service:
        """Return the instance of a ``ClientTrustConfig`` file.

        Raises:
            UsageError: ``MOP3223``, it cannot be read or is none.
        """
        try:
            with path.open("rb") as file:
                return cls("private", ClientTrustConfig.from_json(file.read(MAX_CONFIG_BYTES).decode()))
        except Exception as error:  # a damaged file raises whatever the parser meets first
            raise _unusable(str(path), error) from error

    @classmethod
    def from_tuf(cls, url: str, root: Path, *, backoff: Backoff | None = None) -> Service:
        """Return the instance of a TUF repository.

        Args:
            url: of its metadata.
            root: its ``root.json``, got over a channel that is trusted.
            backoff: how often to try.

        Raises:
            UsageError: ``MOP3223``, the root cannot be read.
            HostFault: ``MOP3222``, the repository cannot be reached or does not verify.
        """
        if not root.is_file():
            raise _unusable(str(root), FileNotFoundError("there is no such file"))
        return cls(
            "private", _from_tuf(lambda: ClientTrustConfig.from_tuf(url, bootstrap_root=root), backoff, where=url)
        )


class SigstoreSigner:
    """A token's identity, certified by a service for as long as one certificate lasts."""

    def __init__(self, service: Service, token: IdentityToken, *, backoff: Backoff | None = None) -> None:
        self._service = service
        self._token = token
        self._backoff = backoff or Backoff()

    def sign(self, statement: bytes) -> Signature:
        """Sign an in-toto statement and check the result under the trust root of the service.

        Raises:
            HostFault: ``MOP3222`` the service refuses or cannot be reached, ``MOP3225`` what it made does not verify.
        """
        where = self._service.config.signing_config.get_fulcio().url
        try:
            bundle = self._backoff.call(lambda: self._sign(statement))
        except Exception as error:  # Fulcio, Rekor, TSA and token have unrelated kinds of errors
            raise HostFault(
                f"the signing service does not sign: {_reason(error)}",
                code="MOP3222",
                where=where,
                why=f"mode {self._service.mode!r} needs it, and no other mode is tried instead",
                fix="try again later; with a token that has expired, get a new one",
            ) from error
        by = self._check(bundle, statement, where=where)
        return Signature(bundle.to_json().encode(), by)

    def _sign(self, statement: bytes) -> Bundle:
        context = SigningContext.from_trust_config(self._service.config)
        with context.signer(self._token) as signer:
            return signer.sign_dsse(Statement(statement))

    def _check(self, bundle: Bundle, statement: bytes, *, where: str) -> SignedBy:
        try:
            taken = _Taken()
            _, payload = Verifier(trusted_root=self._service.config.trusted_root).verify_dsse(bundle, taken)
            if payload != statement:
                raise ValueError("it covers another statement")  # noqa: TRY301 - one error for all that is wrong with it
            named = certificate.read(bundle.signing_certificate, where=where)
        except Exception as error:
            raise HostFault(
                f"what the signing service made does not verify: {_reason(error)}",
                code="MOP3225",
                where=where,
                why="nobody who pins its trust root would accept the signature, so it is not written",
                fix="check that trust root and services belong to the same instance",
            ) from error
        assurance: Literal["public", "private"] = "public" if self._service.mode == "keyless" else "private"
        return SignedBy(self._service.mode, named.identity, named.issuer, assurance)


class _Taken:
    """Accept any certificate: it is read after the signature has been verified."""

    def verify(self, cert: Certificate) -> None:
        """Do nothing; ``Verifier`` demands the method."""


def token_from(text: str) -> IdentityToken:
    """Return a token that was given as text.

    Raises:
        UsageError: ``MOP3221``, it is malformed, expired, or for another audience.
    """
    try:
        return IdentityToken(text)
    except Exception as error:
        raise UsageError(
            f"this is no usable identity token: {_reason(error)}",
            code="MOP3221",
            why=f"it is a JSON Web Token for the audience {AUDIENCE!r}, valid now",
            fix="get a new one from the identity provider",
        ) from error


def ambient_token(*, backoff: Backoff | None = None) -> IdentityToken | None:
    """Return the token of the machine that this runs on, None where no provider is known.

    GitHub Actions, GitLab (``SIGSTORE_ID_TOKEN``), Google Cloud, Buildkite and CircleCI, by their environments.

    Raises:
        HostFault: ``MOP3224``, there is a provider, and it gives no token.
        UsageError: ``MOP3221``, its token cannot be used.
    """
    try:
        text = (backoff or Backoff()).call(_detect)
    except Exception as error:
        denied = isinstance(error.__cause__, ambient.GitHubOidcPermissionCredentialError)
        raise HostFault(
            f"there is no identity token: {_reason(error)}",
            code="MOP3224",
            fix="give the job 'permissions: id-token: write'" if denied else "run the job again",
        ) from error
    return None if text is None else token_from(text)


def browser_token(service: Service, *, without_browser: bool) -> IdentityToken:
    """Have a person log in, and return their token.

    Args:
        service: whose identity provider is asked.
        without_browser: print a link and ask for a code instead.

    Raises:
        HostFault: ``MOP3224``, the login fails.
    """
    try:
        return Issuer(service.config.signing_config.get_oidc_url()).identity_token(force_oob=without_browser)
    except Exception as error:
        raise HostFault(
            f"the login fails: {_reason(error)}",
            code="MOP3224",
            fix="try again, or give a token with --identity-token-fd",
        ) from error


def _detect() -> str | None:
    try:
        return ambient.detect_credential(AUDIENCE)
    except ambient.GitHubOidcPermissionCredentialError as error:
        raise RuntimeError(str(error)) from error  # no further try will give the job a permission
    except Exception as error:  # it wraps some errors of the network, and lets others through
        raise ConnectionError(str(error)) from error


def _from_tuf(load: Callable[[], ClientTrustConfig], backoff: Backoff | None, *, where: str) -> ClientTrustConfig:
    try:
        return (backoff or Backoff()).call(load)
    except Exception as error:
        raise HostFault(
            f"the trust root of the signing service cannot be fetched: {_reason(error)}",
            code="MOP3222",
            where=where,
            why="services and keys to sign with are read from its TUF repository",
            fix="check the connection, or sign with --mode local or --mode key",
        ) from error


def _unusable(where: str, error: Exception) -> MobileOpsError:
    return UsageError(
        f"the trust configuration cannot be used: {_reason(error)}",
        code="MOP3223",
        where=where,
        why="mode 'private' signs with the instance that a ClientTrustConfig or a TUF root names",
        fix="get the file from whoever runs that instance",
    )


def _reason(error: BaseException) -> str:
    """Return the first text in a chain of errors, with what the service answered.

    Clients of Sigstore wrap the cause in an error without a text, and drop the message in the answer.
    """
    found: BaseException | None = error
    while found is not None:
        if str(found):
            answer = getattr(getattr(found, "response", None), "text", "")
            return f"{found!s:.300}" + (f", it answers {answer!r:.300}" if answer else "")
        found = found.__cause__ or found.__context__
    return type(error).__name__
