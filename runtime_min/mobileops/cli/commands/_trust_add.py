"""``mobileops trust add root|key|publisher``: let somebody in, by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mobileops.cli.commands._trust import Change, tell
from mobileops.errors import UsageError
from mobileops.runtime.trust import editing

if TYPE_CHECKING:
    import argparse

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser
    from mobileops.runtime.home import Home

DEMANDS: Final = ("issuer", "identity", "repository", "repository_id", "owner_id", "workflow", "ref", "ref_prefix")


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    kinds = ("root", "key", "publisher")
    parser.add_argument("what", choices=kinds, metavar="|".join(kinds), help="what to add")
    parser.add_argument(
        "value", nargs="?", help="root: a trusted_root.json, or 'public'; key: a public key in PEM; publisher: nothing"
    )
    parser.add_argument("--name", help="root: its name in the policy; default: the name of the file")
    parser.add_argument("--assurance", choices=("private", "public", "local"), default="private", help="of a root")
    parser.add_argument("--plugins", nargs="+", metavar="NAME", help="key, publisher: names, or prefixes like 'acme-*'")
    parser.add_argument("--root", help="publisher: the root that has to vouch")
    for demand in DEMANDS:
        parser.add_argument(f"--{demand.replace('_', '-')}", help=f"publisher: the only {demand}")
    parser.add_argument("--trigger", nargs="+", metavar="EVENT", help="publisher: events that may start the build")
    parser.add_argument("--max-permissions", nargs="*", metavar="PERMISSION", help="key, publisher: upper bound")
    parser.json_option()
    parser.example("mobileops trust add key fleet.pub --plugins 'fleet-*'")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Change the policy, or refuse what would not be a policy any more."""
    home = console.home()
    with editing.alone(home):
        document = editing.document(home)
        added = {"root": _root, "key": _key, "publisher": _publisher}[arguments.what](arguments, home, document)
        serial = editing.write(home, document)
    tell(console, home, Change(f"added {added}", serial), as_json=bool(arguments.json))
    return 0


def _root(arguments: argparse.Namespace, home: Home, document: dict[str, Any]) -> str:
    value = _needed(arguments.value, "a trusted_root.json, or the word 'public'")
    name = arguments.name or Path(value).stem.replace("_", "-").lower()
    if name in document["roots"]:
        raise UsageError(f"there is a root {name!r} already", code="MOP3142", fix="--name another one")
    if value == "public":
        document["roots"][name] = {"public_instance": True, "assurance": "public"}
    else:
        path = editing.copy_root(home, Path(value))
        document["roots"][name] = {"trusted_root": path, "assurance": arguments.assurance}
    return f"the root {name!r}"


def _key(arguments: argparse.Namespace, home: Home, document: dict[str, Any]) -> str:
    source = Path(_needed(arguments.value, "a public key in PEM"))
    plugins = _needed(arguments.plugins, "--plugins, the names that the key may sign")
    path = editing.copy_key(home, source)
    _append(document, {"plugins": plugins, "key": path}, arguments)
    return f"the key {source.name} for {', '.join(plugins)}"


def _publisher(arguments: argparse.Namespace, home: Home, document: dict[str, Any]) -> str:
    del home
    plugins = _needed(arguments.plugins, "--plugins, the names that the rule owns")
    rule = {"plugins": plugins, "root": _needed(arguments.root, "--root, who has to vouch")}
    given = {key: getattr(arguments, key) for key in (*DEMANDS, "trigger")}
    _append(document, rule | {key: value for key, value in given.items() if value is not None}, arguments)
    return f"a rule for {', '.join(plugins)}"


def _append(document: dict[str, Any], rule: dict[str, Any], arguments: argparse.Namespace) -> None:
    bound = {} if arguments.max_permissions is None else {"max_permissions": arguments.max_permissions}
    document.setdefault("publishers", []).append(rule | bound)


def _needed(value: Any, what: str) -> Any:  # noqa: ANN401 - as typed on the command line
    if not value:
        raise UsageError(f"'trust add' needs {what}", code="MOP7003", fix="mobileops trust add --help")
    return value
