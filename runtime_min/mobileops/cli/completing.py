"""What a shell offers behind TAB: asked with ``mobileops completion --query SHELL WORD ...``.

The words are those behind ``mobileops``, the last of them as far as it is typed, maybe empty. The answer has one line
for each thing that may stand there, ``VALUE<TAB>DESCRIPTION``, and a line ``:files`` or ``:folders`` where the shell
itself is to offer those. A value that ends in ``=`` is to be typed on. bash makes words of its own at each ``=``, so it
is told only what comes behind it.

The verbs and options are a table that `mobileops.cli.generate` makes of the parsers, so that no verb, argparse or
msgspec is imported for a TAB; names of plugins, methods and settings are read from the home as it is.
"""

from __future__ import annotations

import os
import sys

from mobileops.cli._completions_generated import VERBS
from mobileops.cli.remembered import root

TYPE_CHECKING = False  # see mobileops.cli.verbs
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    Node = tuple[str, dict[str, tuple[str, str]], tuple[tuple[str, bool], ...], dict[str, "Node"]]

HELP: Final = {"--help": "show how it is used"}
TOP: Final = {"--help": "list the verbs", "--version": "show the version"}
MANIFEST: Final = "plugin.json"
MAX_FILE_BYTES: Final = 4 << 20
_PLUGIN: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._")
"""Of these a plugin's name consists; a folder that is called otherwise is never put on a command line."""


def answer(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Print what may stand at the end of some words, and return the exit code.

    Args:
        words: the shell, then the words behind ``mobileops``.
        environment: the process environment.
    """
    shell, *typed = words or ("",)
    if shell == "bash":
        typed = joined(typed)
    for value, text in offers(typed or [""], root(environment, uid=os.geteuid())):
        shown = value.rpartition("=")[2] if shell == "bash" and value[:-1].count("=") else value
        sys.stdout.write(f"{shown}\t{text}\n" if text else f"{shown}\n")
    sys.stdout.flush()
    return 0


def joined(words: Sequence[str]) -> list[str]:
    """Return words as they were before bash split them at each ``=``."""
    found: list[str] = []
    is_open = False
    for word in words:
        if found and (word == "=" or is_open):
            found[-1] += word
        else:
            found.append(word)
        is_open = word == "="
    return found


def offers(words: Sequence[str], home: str) -> Iterator[tuple[str, str]]:
    """Yield (value, description) of what may stand in the place of the last word."""
    *before, current = words
    if not before:
        verbs = {name: node[0] for name, node in VERBS.items()}
        yield from _fitting({**verbs, "help": "the same as --help"}, current)
        if current.startswith("-"):
            yield from _fitting(TOP, current)
        return
    if before[0] == "help":
        yield from _fitting({name: node[0] for name, node in VERBS.items()}, current)
        return
    place = Place(before)
    if place.node is None:
        return
    options, actions = place.node[1], place.node[3]
    name, equals, begun = current.partition("=")
    if place.option is not None:
        yield from _of_kind(place.option, current, place, home)
    elif current.startswith("-") and equals:
        kind = options.get(name, ("", ""))[1]
        yield from ((f"{name}={value}", text) for value, text in _of_kind(kind, begun, place, home) if value[0] != ":")
    elif current.startswith("-"):
        yield from _fitting({**{one: entry[0] for one, entry in options.items()}, **HELP}, current)
    elif actions and not place.positionals:
        yield from _fitting({one: node[0] for one, node in actions.items()}, current)
    else:
        yield from _of_kind(place.expected(), current, place, home)


class Place:
    """What the words before the last one lead to.

    Attributes:
        node: the verb, or the action of one; None when there is no such.
        positionals: the words that are no options, behind it.
        option: the kind of value that comes next, because its option stands right before; None otherwise.
    """

    def __init__(self, words: Sequence[str]) -> None:
        """Go through the words."""
        self.node: Node | None = VERBS.get(words[0])
        self.positionals: list[str] = []
        self.option: str | None = None
        for word in words[1:]:
            self._step(word)

    def _step(self, word: str) -> None:
        if self.node is None:
            return
        _text, options, _positionals, actions = self.node
        if self.option is not None:
            self.option = None
        elif word.startswith("-"):
            self.option = options.get(word, ("", ""))[1] or None
        elif actions and not self.positionals:
            self.node = actions.get(word)
        else:
            self.positionals.append(word)

    def expected(self) -> str:
        """Return the kind of the next positional argument."""
        expected = self.node[2] if self.node is not None else ()
        at = len(self.positionals)
        if at < len(expected):
            return expected[at][0]
        return expected[-1][0] if expected and expected[-1][1] else ""


def _of_kind(kind: str, current: str, place: Place, home: str) -> Iterator[tuple[str, str]]:
    """Yield what fits a kind of value; `mobileops.cli.description` has the kinds."""
    if kind.startswith("="):
        yield from _fitting(dict.fromkeys(kind[1:].split(), ""), current)
    elif kind in {"file", "folder"}:
        yield f":{kind}s", ""
    elif kind in {"source", "subject"}:
        known = {*_sources(home), *(_installed(home) if kind == "subject" else ())}
        yield from _fitting(dict.fromkeys(sorted(known), ""), current)
        yield ":folders", ""
    elif kind == "installed":
        yield from _fitting(dict.fromkeys(_installed(home), ""), current)
    elif kind == "method" and place.positionals:
        methods = _json(home, place.positionals[0], ".mobileops/api.json").get("methods", {})
        yield from _fitting({str(name): _first_line(entry) for name, entry in methods.items()}, current)
    elif kind in {"setting", "setting=", "secret"} and place.positionals:
        end = "=" if kind == "setting=" else ""
        found = _settings(home, place.positionals[0], secret=kind == "secret")
        yield from _fitting({f"{name}{end}": text for name, text in found}, current)


def _fitting(texts: Mapping[str, str], begun: str) -> Iterator[tuple[str, str]]:
    """Yield what begins as it was begun and can be shown, in its order."""
    for value, text in texts.items():
        if value.startswith(begun) and value.isprintable():
            yield value, text if text.isprintable() else ""


def _installed(home: str) -> list[str]:
    """Return the names of installed plugins."""
    return [name for name in _names(f"{home}/store") if os.path.exists(f"{home}/store/{name}/current.json")]  # noqa: PTH110  without pathlib


def _sources(home: str) -> list[str]:
    """Return the names of source folders, here and in the plugins folder."""
    places = (".", f"{home}/plugins")
    return sorted({
        name for place in places for name in _names(place) if os.path.exists(f"{place}/{name}/{MANIFEST}")  # noqa: PTH110
    })  # fmt: skip


def _names(folder: str) -> Iterable[str]:
    try:
        found = os.listdir(folder)  # noqa: PTH208  without pathlib
    except OSError:
        return []
    return sorted(name for name in found if _PLUGIN.issuperset(name) and not name.startswith((".", "-")))


def _settings(home: str, plugin: str, *, secret: bool) -> Iterator[tuple[str, str]]:
    """Yield the settings of an installed plugin, or its secrets; as `mobileops.manifest.settings.definitions`."""
    manifest = _json(home, plugin, MANIFEST)
    defined = manifest.get("configuration_schema", {})
    for name in dict.fromkeys((*manifest.get("configuration", {}), *defined)):
        definition = defined.get(name, {})
        if bool(definition.get("secret")) is secret:
            yield name, str(definition.get("description", ""))


def _json(home: str, plugin: str, member: str) -> dict[str, Any]:
    """Return a JSON file of an installed plugin; an empty mapping when there is none."""
    if not _PLUGIN.issuperset(plugin):
        return {}
    import json  # noqa: PLC0415  most answers do without

    shelf = f"{home}/store/{plugin}"
    try:
        folder = json.loads(_read(f"{shelf}/current.json"))["folder"]
        found = json.loads(_read(f"{shelf}/{folder}/{member}"))
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _read(path: str) -> bytes:
    with open(path, "rb") as stream:  # noqa: PTH123  without pathlib
        return stream.read(MAX_FILE_BYTES)


def _first_line(entry: object) -> str:
    text = entry.get("description") if isinstance(entry, dict) else None
    return text.partition("\n")[0] if isinstance(text, str) else ""
