"""From a source folder to the narrowest permissions, tried out: record, narrow, and run the tests with the result.

::

    record the tests in the sandbox of the declared permissions     they must pass: what fails does not show its needs
    read the code                                                   what the tests did not run counts too
    narrow
    record the tests in the sandbox of the narrowed permissions     they must pass as before
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from mobileops.errors import MobileOpsError
from mobileops.manifest import Permission, canonical, parse
from mobileops.toolchain.checks.needs import needs
from mobileops.toolchain.checks.rules import permissions_used
from mobileops.toolchain.checks.source import Source
from mobileops.toolchain.diagnostics.repair import Repair
from mobileops.toolchain.migrate import text as manifest_text
from mobileops.toolchain.pack import dependencies
from mobileops.toolchain.pack.source_manifest import load_manifest
from mobileops.toolchain.testrun.run import NO_TESTS, TESTS
from mobileops.toolchain.tighten import edit, narrowing
from mobileops.toolchain.tighten.observed import Observation, observations
from mobileops.toolchain.tighten.recording import TIMEOUT_S, Recording, record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mobileops.manifest import Manifest
    from mobileops.toolchain.tighten.narrowing import Verdict

CODE_DECLARED: Final = "MOP4320"
CODE_NARROWED: Final = "MOP4322"
_FIXES: Final = {
    CODE_DECLARED: "declare what the tests need, or do without in the tests; 'mobileops test' runs them unconfined",
    CODE_NARROWED: "nothing was written; keep the permission that the failure names",
}
_FAMILIES: Final = ("api", "events", "filesystem", "network", "plugin", "system")
OUTPUT_LINES: Final = 40
_NO_CALL_SHOWS: Final = "no call shows whether it is needed"


@dataclasses.dataclass(frozen=True, slots=True)
class Proposal:
    """What a plugin needs.

    Attributes:
        verdicts: what becomes of each declared permission, in order.
        permissions: what to write.
        missing: what the tests tried and no declared permission allows.
        repair: the manifest's text before and after.
        counts: how the tests went: ``passed``, ``failed``, ``skipped``.
    """

    verdicts: tuple[Verdict, ...]
    permissions: tuple[Permission, ...]
    missing: tuple[Observation, ...]
    repair: Repair
    counts: Mapping[str, int]

    @property
    def is_tight(self) -> bool:
        """Whether the manifest declares no more than what is needed."""
        return self.repair.before == self.repair.after


def propose(
    folder: Path,
    *,
    environment: Mapping[str, str],
    private: Sequence[Path] = (),
    timeout_s: float = TIMEOUT_S,
) -> Proposal:
    """Return the narrowest permissions of a plugin, with which its tests pass.

    Args:
        folder: the plugin's source.
        environment: what ``system.environment`` gives access to.
        private: folders that no granted path may show.
        timeout_s: for one run of the tests.

    Raises:
        ManifestError: the manifest has findings.
        MobileOpsError: there are no tests (MOP4321), they do not pass in the sandbox (MOP4320), or not with the
            narrowed permissions (MOP4322).
        IsolationRefused: this host cannot make the sandbox.
    """
    manifest, name = load_manifest(folder)
    if not (folder / TESTS).is_dir():
        raise _untested(folder)
    with dependencies(folder) as installed:

        def run(confined_by: Manifest) -> Recording:
            return record(
                folder,
                confined_by,
                environment=environment,
                dependencies=installed,
                private=private,
                timeout_s=timeout_s,
            )

        first = _passing(run(manifest), folder, code=CODE_DECLARED)
        known = _known(Source(folder), first)
        verdicts = tuple(narrowing.narrowed(manifest.permissions, known))
        permissions = tuple(narrowing.result(verdicts))
        repair = _repair(folder, name, verdicts, permissions)
        if repair.before != repair.after:
            _passing(run(_after(repair)), folder, code=CODE_NARROWED)
    return Proposal(
        verdicts=verdicts,
        permissions=permissions,
        missing=tuple(narrowing.missing(manifest.permissions, known)),
        repair=repair,
        counts={key: value for key, value in first.counts.items() if isinstance(value, int)},
    )


def _known(source: Source, recording: Recording) -> narrowing.Known:
    foreign = permissions_used.unseen(source, False)  # noqa: FBT003 (started programs are narrowing's own rule)
    unseen = dict.fromkeys(foreign, "a dependency may need it")
    if source.code.skipped or source.code.faults:
        unseen |= dict.fromkeys(
            ("api", "events", "filesystem", "network", "plugin", "system"), "unreadable code may need it"
        )
    return narrowing.Known(
        observations=tuple(observations(recording.records, recording.decisions)),
        needs=needs(source),
        unseen={**unseen, "ui": _NO_CALL_SHOWS},
        explained={
            Permission.parse(text): "assets" if text.startswith("api.") else "events"
            for text in sorted(permissions_used.explained(source))
        },
    )


def _repair(folder: Path, name: str, verdicts: Sequence[Verdict], permissions: Sequence[Permission]) -> Repair:
    """Return the manifest's text with other permissions; what stays keeps the author's spelling."""
    text = (folder / name).read_bytes().decode("utf-8")
    written = manifest_text.read(name, text.encode()).document.get("permissions", [])
    spelled = dict(zip((verdict.declared for verdict in verdicts), written, strict=True))
    wanted = [spelled.get(one, str(one)) for one in permissions]
    if wanted == written:
        return Repair(name, text, text)
    became = {
        spelled[verdict.declared]: [spelled.get(one, str(one)) for one in verdict.kept if one in permissions]
        for verdict in verdicts
    }
    return Repair(name, text, edit.replaced(name, text, permissions=wanted, became=became))


def _after(repair: Repair) -> Manifest:
    """Return the manifest that a corrected text holds."""
    return parse(canonical(manifest_text.read(repair.name, repair.after.encode()).document), where=repair.name)


def _passing(recording: Recording, folder: Path, *, code: str) -> Recording:
    """Return a recording whose tests passed.

    Raises:
        MobileOpsError: they did not, or there were none.
    """
    if recording.status == 0:
        return recording
    if recording.status == NO_TESTS:
        raise _untested(folder)
    tail = "\n".join(recording.output.rstrip().splitlines()[-OUTPUT_LINES:])
    narrowed = " with the narrowed permissions" if code == CODE_NARROWED else ""
    raise MobileOpsError(
        f"the tests of {folder.name!r} do not pass in its sandbox{narrowed}",
        code=code,
        where=str(folder),
        why=f"status {recording.status}; the end of what they printed:\n{tail}",
        fix=_FIXES[code],
    )


def _untested(folder: Path) -> MobileOpsError:
    return MobileOpsError(
        f"{folder.name!r} has no tests, so there is nothing to record",
        code="MOP4321",
        where=str(folder / TESTS),
        fix="write tests that do what the plugin does; 'mobileops validate' says what the code alone shows",
    )
