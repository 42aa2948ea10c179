"""``mobileops config``: show and change the settings of a plugin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mobileops.cli.commands._config_apply import commit
from mobileops.cli.commands._config_edit import edited
from mobileops.cli.commands._manager import installed
from mobileops.cli.commands._secrets import piped_or_typed
from mobileops.cli.suggestions import did_you_mean
from mobileops.errors import UsageError
from mobileops.runtime.receipts import Receipts
from mobileops.runtime.settings.change import Change, Known
from mobileops.runtime.settings.files import SettingsFiles
from mobileops.runtime.settings.overview import Setting, overview

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.manifest import Manifest
    from mobileops.runtime.settings.files import Stored


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument("name")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting; repeatable")
    parser.add_argument(
        "--unset", action="append", default=[], metavar="KEY", help="go back to its default; repeatable"
    )
    parser.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="KEY",
        help="give a secret: typed on a terminal, or all of standard input; never on the command line",
    )
    parser.add_argument("--reset", action="store_true", help="go back to the defaults, secrets too")
    parser.add_argument("--edit", action="store_true", help="change settings in $VISUAL or $EDITOR")
    parser.add_argument(
        "--no-apply", action="store_true", help="leave a running plugin alone until it is started again"
    )
    parser.json_option()
    parser.example("mobileops config my-plugin --set endpoint=https://api.example.com --set timeout=60")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Show the settings; or change them, check the whole, write it, and have a running plugin take it over."""
    home = console.home()
    receipts = Receipts(home)
    receipt = installed(home, arguments.name)
    manifest, folder = receipts.manifest(receipt), receipts.folder(receipt)
    files = SettingsFiles(home)

    def known(stored: Stored) -> Known:
        return Known(manifest, folder, stored, suggest=did_you_mean)

    change = _change(arguments, console, manifest, known(files.load(manifest.name)), files)
    if change is None:
        stored = files.load(manifest.name)
        _show(arguments, console, manifest, overview(manifest, known(stored).definitions, stored, folder))
        return 0
    outcome = commit(home, manifest, change, folder=folder, known=known, apply=not arguments.no_apply)
    if arguments.json:
        console.json({"name": manifest.name, "version": str(manifest.version), **outcome})
    else:
        _tell(console, manifest.name, outcome)
    return 0


def _change(
    arguments: argparse.Namespace, console: Console, manifest: Manifest, known: Known, files: SettingsFiles
) -> Change | None:
    words = bool(arguments.set or arguments.unset or arguments.secret)
    if words + arguments.reset + arguments.edit > 1:
        raise UsageError(
            "--reset and --edit stand alone",
            code="MOP7003",
            fix=f"mobileops config {manifest.name} --reset, then --set what is to differ",
        )
    if arguments.reset:
        return Change({}, everything=True)
    if arguments.edit:
        return edited(console, manifest, known, files.load(manifest.name))
    if not words:
        return None
    values = known.assignments(arguments.set)
    removed = known.removals(arguments.unset)
    if twice := sorted(removed & {*values, *arguments.secret}):
        raise UsageError(f"{twice[0]!r} is both set and unset", code="MOP7003", fix="leave one of the two out")
    return Change({**values, **_secrets(arguments.secret, console, manifest, known)}, removed)


def _secrets(names: list[str], console: Console, manifest: Manifest, known: Known) -> dict[str, Any]:
    """Ask for each secret; the names are checked first, so that nobody types one for nothing."""
    for name in names:
        if not known.definition(name).get("secret"):
            raise UsageError(
                f"{name!r} is no secret",
                code="MOP5410",
                why="its manifest does not say so, and its value is shown to whoever asks",
                fix=f"mobileops config {manifest.name} --set {name}=VALUE",
            )
    if len(names) > 1 and not console.stdin.isatty():
        raise UsageError("standard input holds one secret", code="MOP7003", fix="repeat the command for each of them")
    return {name: known.value(name, piped_or_typed(console, of=f"{manifest.name} {name}")) for name in names}


def _show(arguments: argparse.Namespace, console: Console, manifest: Manifest, settings: list[Setting]) -> None:
    if arguments.json:
        rows = [{**one._asdict(), "is_set": one.is_set} for one in settings]
        console.json({"name": manifest.name, "version": str(manifest.version), "settings": rows})
    elif settings:
        console.table(
            ("SETTING", "VALUE", "FROM", "APPLIES", "TAKES"),
            [(one.name, _value(one), one.origin, one.apply, one.needs) for one in settings],
        )
        for one in settings:
            if not one.known:
                console.note(f"{one.name} is of another version; {manifest.version} does not get it")
            elif not one.is_set:
                console.note(f"{one.name} must be set before {manifest.name} can start")
    else:
        console.note(f"{manifest.name} has no settings")


def _value(setting: Setting) -> str:
    if not setting.is_set:
        return "-"
    if setting.secret:
        return "(hidden)"
    return setting.value if isinstance(setting.value, str) else json.dumps(setting.value, ensure_ascii=False)


def _tell(console: Console, name: str, outcome: dict[str, Any]) -> None:
    if not outcome["changed"]:
        console.note("nothing was changed")
        return
    how = {
        "live": "it has taken that over",
        "reload": "it was replaced by a new process",
        "restart": "it was restarted",
        None: "it takes effect when it is started",
    }[outcome["applied"]]
    console.print(f"{name}: changed {', '.join(outcome['changed'])}; {how}")
