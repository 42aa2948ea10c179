"""``mobileops test --bundle``: verify a bundle as ``install`` does, then run its tests inside its plugin's sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._sources import find_bundle
from mobileops.cli.commands._trust import decide
from mobileops.errors import UsageError
from mobileops.runtime.installation import offers
from mobileops.runtime.installation.device import Device
from mobileops.runtime.store import Store
from mobileops.toolchain.pipeline.bundle_testing import beyond, run_bundle_tests

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.manifest import Manifest
    from mobileops.toolchain.pipeline.testing import Choices, Surroundings, Tested


def run_bundle(
    arguments: argparse.Namespace, choices: Choices, around: Surroundings, console: Console
) -> tuple[str, Tested]:
    """Return the plugin's name and how its tests went.

    Raises:
        UsageError: options that do not go together (MOP2618).
        TrustRefused, BundleRefused: it could not be installed either; nothing of it ran.
        PluginError: it does not run here (MOP6043).
        IsolationRefused: this host cannot make the sandbox.
    """
    _refuse_others(arguments)
    home = console.home()
    bundle = find_bundle(arguments.bundle, home, cwd=Path.cwd())
    console.note(f"taking {bundle}")
    with Store(home).staged(bundle, verify=lambda copy, signature: decide(home, copy, signature)) as staged:
        verified = staged.verified
        Device.here().refuse_unfit(offers.of_bundle(verified.bundle))
        if not arguments.accept_permissions:
            _tell_withheld(verified.manifest, console)
        tested = run_bundle_tests(
            verified, choices, around, accepted=arguments.accept_permissions, private=(home.root,)
        )
    return verified.manifest.name, tested


def _refuse_others(arguments: argparse.Namespace) -> None:
    """Refuse what has no meaning for a bundle, or only for one."""
    if arguments.bundle is None:
        raise UsageError(
            "--accept-permissions is about the tests of a bundle",
            code="MOP2618",
            why="the tests of a folder are the author's own and not confined",
            fix="leave it out, or name the bundle with --bundle FILE",
        )
    others = {
        f"the folder or name {arguments.plugin!r}": arguments.plugin is not None,
        "--python": bool(arguments.python),
        "--coverage": arguments.coverage is not None,
    }
    for what in (name for name, given in others.items() if given):
        raise UsageError(
            f"{what} does not go with --bundle",
            code="MOP2618",
            why="a bundle is tested as it is, inside its sandbox, on the Python that runs mobileops",
            fix="mobileops test --bundle FILE, with --junit, --no-conformance or pytest's own options behind --",
        )


def _tell_withheld(manifest: Manifest, console: Console) -> None:
    withheld = ", ".join(map(str, beyond(manifest)))
    if withheld:
        console.note(f"its tests do not get {withheld}; --accept-permissions gives them what it declares")
