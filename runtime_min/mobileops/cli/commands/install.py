"""``mobileops install``: choose versions, verify them, show what they change, and install all of them or none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.bundle import open_bundle
from mobileops.cli.commands._installing import Order, carry_out, open_built, open_repositories, plan_options
from mobileops.cli.commands._sources import BUNDLE_SUFFIX, behind_link, find_bundle
from mobileops.errors import UsageError
from mobileops.manifest import Version, VersionRange
from mobileops.runtime.installation import offers
from mobileops.runtime.installation.device import Device
from mobileops.runtime.installation.resolver import Wish

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home
    from mobileops.runtime.installation.offers import Offers

_OPERATORS = "<>=!~,"


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("bundle", help="file; or name of a plugin: from a repository, else its newest built bundle")
    parser.add_argument("version", nargs="?", help="this version of the named plugin, or a range such as '>=1,<2'")
    plan_options(parser)
    parser.example("mobileops install my-plugin '>=2,<3' --dry-run")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Read strictly, verify, show, extract; the state changes completely or not at all."""
    home, cwd = console.home(), Path.cwd()
    return carry_out(_order(arguments, home, console, cwd=cwd), home, arguments, console)


def _order(arguments: argparse.Namespace, home: Home, console: Console, *, cwd: Path) -> Order:
    word, version = arguments.bundle, arguments.version
    built = open_built(home, cwd=cwd)
    if (cwd / word).is_file():
        if version is not None:
            raise UsageError(
                f"{word!r} is a file, and a file has one version",
                code="MOP7003",
                fix=f"mobileops install {word}, or give the plugin's name with a version",
            )
        return _of_file(behind_link(cwd / word), home, built, console)
    if not word.endswith(BUNDLE_SUFFIX) and "/" not in word:
        repositories = open_repositories(home, console)
        if repositories is not None and repositories.versions(word):
            return Order((_wish(word, version),), {}, offers.Several(repositories, built))
        if version is not None and set(version) & set(_OPERATORS):
            return Order((_wish(word, version),), {}, built)
    path = find_bundle(word, home, cwd=cwd, version=version)
    console.note(f"taking {path}")
    return _of_file(path, home, built, console)


def _of_file(path: Path, home: Home, built: Offers, console: Console) -> Order:
    """Return the order for one bundle; what it needs and is not installed comes from elsewhere."""
    with open_bundle(path) as bundle:
        given = offers.of_bundle(bundle)
    Device.here().refuse_unfit(given)
    repositories = open_repositories(home, console) if given.plugin_dependencies else None
    others = built if repositories is None else offers.Several(repositories, built)
    return Order((Wish(given.name, given=given),), {given.name: path}, others)


def _wish(name: str, text: str | None) -> Wish:
    if text is None:
        return Wish(name)
    if set(text) & set(_OPERATORS):
        return Wish(name, versions=VersionRange.parse(text, where="the range"))
    return Wish(name, exactly=Version.parse(text, where="the version"))
