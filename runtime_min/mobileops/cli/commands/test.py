"""``mobileops test``: run a plugin's own tests, and those that every plugin has to pass."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobileops.cli.commands._sources import find_source
from mobileops.cli.layout import harmless

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.toolchain.pipeline.testing import Choices, Surroundings, Tested


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("plugin", nargs="?", help="folder or name; default: this folder")
    parser.add_argument(
        "--bundle",
        metavar="FILE",
        help="run the tests that a signed bundle carries, all of them inside its plugin's sandbox; also a plugin's "
        "name, for the newest built one",
    )
    parser.add_argument(
        "--accept-permissions",
        action="store_true",
        help="with --bundle: let its tests have what it declares of this host's files, network and environment",
    )
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PYTHON",
        help="test with this version or interpreter; may be repeated; default: all that are installed and declared",
    )
    parser.add_argument(
        "--sandboxed", action="store_true", help="give the plugin a real process in its sandbox, as a device does"
    )
    parser.add_argument("--no-conformance", action="store_true", help="run the plugin's own tests alone")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write a JUnit report")
    parser.add_argument(
        "--coverage",
        "--cov",
        nargs="?",
        const=True,
        default=None,
        metavar="FILE",
        help="measure coverage and print a table; FILE is .xml (Cobertura), .json or .info (LCOV)",
    )
    parser.passes_on("arguments", "pytest")
    parser.example(
        "mobileops test my-plugin",
        "mobileops test my-plugin --sandboxed",
        "mobileops test my-plugin --python 3.11 --python 3.12 --junit report.xml --coverage=coverage.xml",
        "mobileops test my-plugin -- -k data_processing -x",
        "mobileops test --bundle my-plugin-1.0.0.zip --junit report.xml",
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the tests in a process of their own and show what they print, as they print it."""
    cwd = Path.cwd()
    choices = _choices(arguments, cwd)
    if arguments.bundle is not None or arguments.accept_permissions:
        from mobileops.cli.commands._bundle_testing import run_bundle  # noqa: PLC0415  it verifies and isolates

        name, tested = run_bundle(arguments, choices, _surroundings(console, cwd, from_a_bundle=True), console)
        return _told(name, tested, console)
    from mobileops.toolchain.pipeline import testing  # noqa: PLC0415  --help does without

    source = find_source(arguments.plugin, console.home(), cwd=cwd)
    return _told(source.name, testing.test(source, choices, _surroundings(console, cwd)), console)


def _choices(arguments: argparse.Namespace, cwd: Path) -> Choices:
    from mobileops.toolchain.pipeline.testing import Choices  # noqa: PLC0415  as above

    coverage = arguments.coverage
    return Choices(
        pythons=tuple(arguments.python),
        sandboxed=arguments.sandboxed,
        generated=not arguments.no_conformance,
        junit=arguments.junit and cwd / arguments.junit,
        measured=coverage is not None,
        coverage=cwd / coverage if isinstance(coverage, str) else None,
        arguments=tuple(arguments.arguments),
    )


def _surroundings(console: Console, cwd: Path, *, from_a_bundle: bool = False) -> Surroundings:
    from mobileops.toolchain.pipeline.testing import Surroundings  # noqa: PLC0415  as above

    variables = dict(console.environment)
    cache = variables.get("XDG_CACHE_HOME") or str(Path(variables.get("HOME", "/")) / ".cache")

    def show(text: str) -> None:
        # what somebody else's tests print must not act on this terminal
        console.stdout.write(harmless(text) if from_a_bundle else text)
        console.stdout.flush()

    return Surroundings(
        cache=Path(cache) / "mobileops" / "tests", variables=variables, cwd=cwd, begin=console.note, show=show
    )


def _told(name: str, tested: Tested, console: Console) -> int:
    if tested.coverage:
        console.print(tested.coverage.rstrip())
    for python, outcome in tested.runs:
        console.note(f"{name} on {python}: {outcome.summary}")
    return 0 if tested.passed else 1
