"""Run the tests that a bundle carries, as far as its publisher is trusted: inside the sandbox, and nowhere else.

Whoever trusts a publisher lets a plugin run in its sandbox, so this is all that its tests get: the process that pytest
runs in is confined by the plugin's own manifest. What reaches beyond the sandbox (files of this host, the network, the
environment) is withheld unless the operator accepts it.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mobileops.runtime.isolation import policy
from mobileops.runtime.isolation.credentials import UID_COUNT, plugin_uid
from mobileops.runtime.launching.launcher import Launcher
from mobileops.toolchain.pipeline.testing import Choices, Surroundings, Tested, write_junit
from mobileops.toolchain.testrun import TIMEOUT_S, inside, interpreters, judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobileops.manifest import Manifest, Permission
    from mobileops.runtime.trust import VerifiedBundle
    from mobileops.toolchain.testrun.process import Ended

#: None of the identities that the plugin manager gives out soon, and not that of `tighten`.
_IDENTITY: Final = UID_COUNT - 4
_BEYOND: Final = policy.BROKER | {policy.READ, policy.WRITE, policy.ENVIRONMENT}
_COUNTS: Final = ("passed", "failed", "skipped", "own")


def beyond(manifest: Manifest) -> tuple[Permission, ...]:
    """Return the permissions that reach beyond the sandbox: to files of the host, the network, the environment."""
    return tuple(one for one in manifest.permissions if one.name in _BEYOND)


def run_bundle_tests(
    verified: VerifiedBundle,
    choices: Choices,
    around: Surroundings,
    *,
    accepted: bool,
    private: Sequence[Path],
    timeout_s: float = TIMEOUT_S,
) -> Tested:
    """Run the tests of a bundle inside the sandbox of its plugin; from the main thread.

    Args:
        verified: the bundle.
        choices: ``generated``, ``junit`` and ``arguments`` count.
        around: what is needed of the host.
        accepted: whether the tests have the permissions of `beyond` too.
        private: folders that no granted path may show.
        timeout_s: after which the tests are killed.

    Raises:
        BundleRefused: a member is wrong.
        IsolationRefused: this host cannot make the sandbox; nothing ran.
    """
    manifest = verified.manifest
    withheld = () if accepted else beyond(manifest)
    confined_by = manifest._replace(permissions=tuple(one for one in manifest.permissions if one not in withheld))
    name = f"{interpreters.own()}"
    suite = f"{manifest.name} {name}"
    with tempfile.TemporaryDirectory(prefix="mobileops-tests-", ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        scratch.chmod(0o711)  # the plugin's own account passes through
        (scratch / "plugins").mkdir(mode=0o711)
        app, data = scratch / "plugins" / manifest.name, scratch / "data"
        verified.bundle.extract(app)
        compiled = policy.compile_policy(confined_by, app=app, data=data / manifest.name, uid=plugin_uid(_IDENTITY))
        told, ended = _heard(compiled, inside.place(app), choices, around, (scratch, suite, private, timeout_s))
        status, report, xml = _parsed(told)
        run = judged(ended if status is None else dataclasses.replace(ended, returncode=status), report, timeout_s)
        if choices.junit is not None:
            (scratch / "0.xml").write_text(xml, encoding="utf-8", errors="replace")
            write_junit(choices.junit, scratch, manifest.name, [(name, run)])
    return Tested(((name, run),))


def _heard(
    compiled: policy.SandboxPolicy,
    entry: str,
    choices: Choices,
    around: Surroundings,
    given: tuple[Path, str, Sequence[Path], float],
) -> tuple[bytes, Ended]:
    scratch, suite, private, timeout_s = given
    assignment = {
        "arguments": list(choices.arguments),
        "generated": choices.generated,
        "suite": suite if choices.junit else None,
    }
    chosen = policy.select_environment(compiled.variables, around.variables)
    with Launcher(
        plugins=scratch / "plugins", data=scratch / "data", private=private, audit=scratch / "audit"
    ) as launcher:
        launched = launcher.launch(compiled, assignment, entry=entry, environment=chosen)
        return inside.hear(launched, launcher, timeout_s, show=around.show)


def _parsed(told: bytes) -> tuple[int | None, dict[str, Any], str]:
    """Return the runner's status, the counts and pytest's file; tests may have told anything, or nothing."""
    try:
        found = json.loads(told)
        status, report, xml = int(found["status"]), found["report"], found["junit"]
        counts = {name: int(report[name]) for name in _COUNTS}
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None, {}, ""
    return status, {**counts, "runner": "pytest"}, xml if isinstance(xml, str) else ""
