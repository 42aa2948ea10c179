"""``mobileops publish``: offer a bundle in a repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.bundle.filename import SIGNATURE_SUFFIX
from mobileops.cli.commands._repositories import prepared, repository_option, written
from mobileops.cli.commands._sources import find_bundle
from mobileops.cli.commands._trust import decide
from mobileops.toolchain.repository.change import changing
from mobileops.toolchain.repository.publishing import publish

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("bundle", help="file, or the name of a plugin whose newest built bundle is meant")
    repository_option(parser)
    parser.add_argument("--new-signer", metavar="REASON", help="give the plugin's name to this bundle's signer")
    parser.json_option()
    parser.example("mobileops publish my-plugin.zip")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Verify the bundle as a device would, then publish it; the repository changes completely or not at all.

    What was built here and is not signed is signed by the local instance first, if it goes into the local repository:
    that is as much as both of them can say. Nothing else is signed unasked.
    """
    home = console.home()
    bundle = find_bundle(arguments.bundle, home, cwd=Path.cwd())
    if not (Path.cwd() / arguments.bundle).is_file():
        console.note(f"taking {bundle}")
        if written(home, arguments.repository).folder == home.repository:
            _sign_if_unsigned(bundle, home, console)
    with decide(home, bundle) as verified:
        target = prepared(home, arguments.repository, console)
        with changing(target.folder, target.keys) as change:
            published = publish(change, verified, handover=arguments.new_signer)
    facts = {**published._asdict(), "repository": str(target.folder)}
    if arguments.json:
        console.json(facts)
    elif published.changed:
        console.print(f"published {published.name} {published.version} in {target.folder}")
        console.note(f"next: mobileops info {published.name}")
    else:
        console.print(f"{published.name} {published.version} is published in {target.folder} already, with these bytes")
    return 0


def _sign_if_unsigned(bundle: Path, home: Home, console: Console) -> None:
    if bundle.with_name(f"{bundle.name}{SIGNATURE_SUFFIX}").exists():
        return
    from mobileops.cli.commands import _signers  # noqa: PLC0415 - most bundles are signed, and signing is slow to import
    from mobileops.toolchain.pipeline import signing  # noqa: PLC0415 - likewise

    signed = signing.sign(bundle, signer=_signers.local(home), source=None, environment=console.environment)
    console.note(f"it had no signature: signed by {signed.by.identity} ({signed.by.mode}), as 'mobileops sign' does")
