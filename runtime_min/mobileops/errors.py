"""The error tree: every error says what, where, why, how to fix it, and carries a stable code.

::

    MobileOpsError                      exit code 1
    ├── UsageError                      2   the command line cannot be understood
    ├── ManifestError                   1   plugin.json has findings (one or many)
    ├── PackagingError                  1   a source folder cannot become a bundle
    ├── PluginError                     1   the plugin's own code failed, or was asked for what it does not have
    │   ├── CallError                       a method raised; carries the remote type
    │   └── PluginGone                      the process ended while it was needed
    ├── NotFoundError                   1   no such plugin, bundle, method or key
    ├── RefusedError                    3   allowed to, but will not: a rule of safety says no
    │   ├── BundleRefused                   the archive is outside the strict profile
    │   ├── TrustRefused                    unsigned, invalid or untrusted
    │   ├── IsolationRefused                this host cannot enforce what the plugin's policy needs
    │   ├── PermissionDenied                the plugin asked for what its manifest does not declare
    │   └── ProtocolViolation               a peer on the channel broke the framing or its limits
    └── HostFault                       4   the environment failed: daemon, disk, missing extra

Code ranges (stable; a code is never reused for another meaning):

=========  ==========================================================
MOP10xx    manifest: text (JSON, encoding)
MOP11xx    manifest: schema
MOP12xx    manifest: permissions
MOP13xx    manifest: across keys, and against the files beside it
MOP20xx    bundle: structure of the archive
MOP21xx    bundle: member names
MOP22xx    bundle: member types, sizes, methods, checksums
MOP23xx    bundle: content (manifest, files.json)
MOP24xx    packaging a source folder; from MOP2470 on locking and vendoring
MOP25xx    rebuilding and comparing bundles, and what a bundle says about itself
MOP26xx    tests of a plugin
MOP27xx    running a plugin from its source
MOP30xx    signature: the Sigstore bundle and its statement
MOP31xx    trust: policy, pins, revocation
MOP32xx    signing
MOP40xx    isolation: what the host cannot enforce, what the kernel refused
MOP41xx    network broker
MOP42xx    resources: limits, controllers, the operator's settings
MOP43xx    permissions: explain, audit, tighten
MOP50xx    channel and calls
MOP51xx    lifecycle of a plugin
MOP52xx    daemon and its control socket
MOP53xx    what plugins ask of the platform: messages, events, platform API
MOP54xx    settings of plugins
MOP55xx    logs, metrics and reports
MOP56xx    debugging: shells and debuggers
MOP60xx    store: install, receipts, uninstall
MOP61xx    repository: reading one, and from MOP6120 on writing one
MOP70xx    command line
MOP71xx    scaffolding and the author's environment
MOP80xx    the host: disk, missing extras, unsupported platform
=========  ==========================================================
"""

from __future__ import annotations

from typing import ClassVar, Final, NamedTuple

EXIT_DONE: Final = 0
EXIT_FAILURE: Final = 1
EXIT_USAGE: Final = 2
EXIT_REFUSED: Final = 3
EXIT_ENVIRONMENT: Final = 4
EXIT_INTERRUPTED: Final = 130


class MobileOpsError(Exception):
    """Base of every error this project raises on purpose.

    Attributes:
        what: one line, values quoted with ``!r``, no final period.
        code: stable identifier such as ``MOP2004``.
        where: file, archive member or JSON pointer; None when there is no place.
        why: the rule that was broken and its source.
        fix: what to do next, imperative.
    """

    exit_code: ClassVar[int] = EXIT_FAILURE

    def __init__(
        self,
        what: str,
        *,
        code: str,
        where: str | None = None,
        why: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.code = code
        self.where = where
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        """Render the whole form, one field per line."""
        place = f"{self.where}: " if self.where else ""
        lines = [f"{place}{self.what} [{self.code}]"]
        if self.why:
            lines.append(f"  why: {self.why}")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, str | None]:
        """Return the form as plain values, for ``--json`` and the control socket."""
        return {
            "error": type(self).__name__,
            "code": self.code,
            "what": self.what,
            "where": self.where,
            "why": self.why,
            "fix": self.fix,
        }


class UsageError(MobileOpsError):
    """The command line cannot be understood."""

    exit_code = EXIT_USAGE


class Finding(NamedTuple):  # no dataclass: making one costs a command more than reading a manifest
    """One defect of a manifest or of the files beside it.

    Attributes:
        code: stable identifier such as ``MOP1203``.
        what: one line, no final period.
        where: file name and JSON pointer, ``plugin.json#/permissions/2``.
        why: the rule and its source.
        fix: what to write instead.
        severity: ``error`` stops packaging, ``warning`` does not.
    """

    code: str
    what: str
    where: str
    why: str | None = None
    fix: str | None = None
    severity: str = "error"

    def __str__(self) -> str:
        """Render like an error, with the severity in words."""
        lines = [f"{self.where}: {self.severity}: {self.what} [{self.code}]"]
        if self.why:
            lines.append(f"  why: {self.why}")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, str | None]:
        """Return the finding as plain values."""
        return self._asdict()


class ManifestError(MobileOpsError):
    """A manifest has findings; all of them are in ``findings``."""

    def __init__(self, findings: tuple[Finding, ...], *, where: str) -> None:
        first = findings[0]
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(
            f"{first.what}{more}", code=first.code, where=first.where or where, why=first.why, fix=first.fix
        )
        self.findings = findings


class PackagingError(MobileOpsError):
    """A source folder cannot become a bundle."""


class PluginError(MobileOpsError):
    """The plugin's own code failed, or was asked for what it does not have."""


class CallError(PluginError):
    """A plugin method raised; ``remote_type`` is the exception's class name."""

    def __init__(
        self, what: str, *, code: str, remote_type: str, where: str | None = None, fix: str | None = None
    ) -> None:
        super().__init__(what, code=code, where=where, fix=fix)
        self.remote_type = remote_type


class PluginGone(PluginError):
    """The plugin's process ended while it was needed."""


class NotFoundError(MobileOpsError):
    """There is no such plugin, bundle, method or key."""


class RefusedError(MobileOpsError):
    """A rule of safety says no."""

    exit_code = EXIT_REFUSED


class BundleRefused(RefusedError):
    """The archive is outside the strict profile."""


class TrustRefused(RefusedError):
    """The bundle is unsigned, its signature invalid, or its signer not trusted.

    Attributes:
        outcome: ``unsigned``, ``invalid`` or ``untrusted``: never folded together.
    """

    outcome: str = "untrusted"


class IsolationRefused(RefusedError):
    """This host cannot enforce what the plugin's policy needs."""


class PermissionDenied(RefusedError):
    """The plugin asked for something its manifest does not declare."""


class ProtocolViolation(RefusedError):
    """A peer on a channel broke the framing or its limits."""


class HostFault(MobileOpsError):
    """The environment failed: daemon, disk, a missing extra, an unsupported platform."""

    exit_code = EXIT_ENVIRONMENT


def from_dict(form: dict[str, str | None]) -> MobileOpsError:
    """Rebuild an error that crossed the control socket as `MobileOpsError.to_dict`.

    Law: ``from_dict(e.to_dict())`` has the class, code, texts and exit code of ``e``; attributes that only a subclass
    has are not carried.
    """
    cls = _by_name(MobileOpsError).get(form.get("error") or "", MobileOpsError)
    error = cls.__new__(cls)
    MobileOpsError.__init__(
        error,
        form.get("what") or "an error without a text",
        code=form.get("code") or "MOP5000",
        where=form.get("where"),
        why=form.get("why"),
        fix=form.get("fix"),
    )
    return error


def _by_name(cls: type[MobileOpsError]) -> dict[str, type[MobileOpsError]]:
    """Return a class and all its subclasses by name."""
    found = {cls.__name__: cls}
    for child in cls.__subclasses__():
        found.update(_by_name(child))
    return found
