"""What the plugin manager decides about one plugin's permissions, written into the audit log before it takes effect.

========== ============================= ===========================================================================
operation  target                        when
========== ============================= ===========================================================================
start      the version                   the plugin is started
grant      path, variable or "programs"  at a start, for each permission that the kernel enforces; what the plugin then
                                         does with it is not seen here. Denied when the host does not have it
report     what the plugin said          a method raised PermissionError: the plugin's own word, the kernel tells nobody
debug      version                       the plugin is started in debug mode, or the operator attaches an editor to it
shell      what was typed                the operator runs a statement inside the plugin (``mobileops shell``)
others     what was asked for            a request on the channel, by `Decisions.require`
========== ============================= ===========================================================================
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mobileops.errors import HostFault
from mobileops.manifest.permissions import Permission, covers
from mobileops.plugin.needs import denied
from mobileops.runtime import audit
from mobileops.runtime.isolation import policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from mobileops.manifest import Manifest
    from mobileops.runtime.isolation.policy import SandboxPolicy

START: Final = "start"
GRANT: Final = "grant"
REPORT: Final = "report"
DEBUG: Final = "debug"
MAX_REMEMBERED: Final = 1000
"""Decisions of one run that are not written down again."""

_AT_START: Final = "granted at the start"


class Decisions:
    """Writes down what is decided about one plugin.

    Args:
        folder: of the audit log.
        manifest: with the permissions that were granted.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._folder = folder
        self._name = manifest.name
        self._version = str(manifest.version)
        self._granted = manifest.permissions
        self._allowed: set[tuple[str, str]] = set()

    def start(self, compiled: SandboxPolicy, environment: Mapping[str, str]) -> None:
        """Write down what a start grants.

        Args:
            compiled: what the plugin is confined to.
            environment: the variables that it gets of the plugin manager's own.

        Raises:
            HostFault: MOP4310, it cannot be written down, so it must not be granted.
        """
        self._record([(START, self._version, None, "started", True), *self._grants(compiled, environment)])

    def absent(self, paths: Iterable[str]) -> None:
        """Write down which granted paths the host does not have; nothing was granted, so a full disk is no reason."""
        missing = [
            (GRANT, path, str(one), "the host does not have it", False)
            for path in paths
            for one in self._granted
            if one.path == path
        ]
        with suppress(HostFault):
            self._record(missing)

    def reported(self, method: str, message: str) -> None:
        """Write down that a method of the plugin says it was refused something."""
        with suppress(HostFault):
            self._record([(REPORT, message, None, f"method {method!r} raised it", False)])

    def operated(self, operation: str, target: str, *, reason: str) -> None:
        """Write down what the operator does inside a plugin; no permission is asked, because none is given.

        Raises:
            HostFault: MOP4310, it cannot be written down, so it must not be done.
        """
        self._record([(operation, target, None, reason, True)])

    def require(self, needed: Permission, *, operation: str, target: str) -> None:
        """Let a request on the channel pass, or not.

        What passes is written down once a run for each operation and target, what does not every time.

        Args:
            needed: the narrowest permission for the request.
            operation: one word, such as ``message.send``.
            target: what it is about.

        Raises:
            PermissionDenied: MOP4311, no permission of the manifest covers it.
            HostFault: MOP4310, it cannot be written down.
        """
        by = next((one for one in self._granted if covers(one, needed)), None)
        if by is not None:
            if (operation, target) not in self._allowed:
                self._record([(operation, target, str(by), "granted", True)])
                if len(self._allowed) < MAX_REMEMBERED:
                    self._allowed.add((operation, target))
            return
        self._record([(operation, target, None, f"no permission covers {needed}", False)])
        raise denied(self._name, needed, self._granted)

    def _grants(
        self, compiled: SandboxPolicy, environment: Mapping[str, str]
    ) -> Iterator[tuple[str, str, str | None, str, bool]]:
        assets = any(grant.inside == policy.ASSETS for grant in compiled.grants)
        for one in self._granted:
            if one.path is not None and policy.is_own_place(one.path):
                continue
            if assets and one.name in policy.ASSET_PERMISSIONS:
                yield GRANT, policy.ASSETS, str(one), _AT_START, True
            if one.name in {policy.READ, policy.WRITE}:
                yield GRANT, one.path or "/", str(one), _AT_START, True
            elif one.name == policy.ENVIRONMENT:
                names = [one.argument] if one.argument else sorted(environment)
                for name in names:
                    there = name in environment
                    yield GRANT, name, str(one), _AT_START if there else "the host does not have it", there
            elif one.name == policy.EXECUTION and compiled.allow_execution:
                yield GRANT, "programs", str(one), _AT_START, True

    def _record(self, decisions: Iterable[tuple[str, str, str | None, str, bool]]) -> None:
        """Write operation, target, permission, reason and verdict of each; the files are open no longer than that."""
        try:
            log = audit.AuditLog(
                self._name, "manager", descriptors=audit.open_files(self._folder, self._name, "manager")
            )
            try:
                for operation, target, permission, reason, allowed in decisions:
                    log.record(operation, target, allowed=allowed, permission=permission, reason=reason)
            finally:
                log.close()
        except OSError as error:
            raise HostFault(
                f"a decision about {self._name!r} cannot be written down: {error.strerror}",
                code="MOP4310",
                where=str(self._folder),
                why="nothing is granted that is not in the audit log",
                fix="make room, or make the folder writable for the plugin manager's account",
            ) from error
