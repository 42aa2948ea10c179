"""The command line as plain values, read from the verb table and the parsers, for the completion and the manual.

Kinds of values, as `mobileops.cli.completing` offers them: the empty text (nothing is offered), ``=a b c`` (one of
these), ``file``, ``folder``, ``source`` (a plugin's source), ``installed`` (a plugin's name), ``subject`` (either),
``method``, ``setting``, ``setting=`` and ``secret`` (of the plugin before it).
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Final, NamedTuple

from mobileops.cli.parser import Parser
from mobileops.cli.verbs import VERBS, Verb

FREE: Final = "-"
"""Kind of a value that nothing is known about; an option without a value has the empty one."""

_OF: Final = {
    ("call", "method"): "method",
    ("config", "set"): "setting=",
    ("config", "unset"): "setting",
    ("config", "secret"): "secret",
    ("logs", "words"): "installed",
    ("permissions", "plugins"): "subject",
    ("schema", "vscode"): "source",
    ("schema", "form"): "source",
    ("trust rotate", "name"): "installed",
    ("update-metadata", "name"): "source",
    ("rebuild", "source"): "source",
    ("inspect", "bundle"): "file",
    ("verify", "bundle"): "file",
    ("diff", "old"): "file",
    ("diff", "new"): "file",
}
_BY_DEST: Final = {"plugin": "source", "plugins": "source", "source": "source", "bundle": "file"}
_BY_METAVAR: Final = {
    "FILE": "file",
    "NAME|FILE": "file",
    "DIGEST|FILE": "file",
    "FOLDER": "folder",
    "NAME|FOLDER": "folder",
}
_NAMES: Final = {"name", "names"}
_NOT_INSTALLED: Final = {"assets", "info"}


class Option(NamedTuple):
    """One option.

    Attributes:
        names: as they are typed, the long one last.
        value: what its value is called, None when it has none.
        kind: of its value.
        help: what it does.
        usage: how it is typed, in brackets unless it must be.
    """

    names: tuple[str, ...]
    value: str | None
    kind: str
    help: str
    usage: str


class Argument(NamedTuple):
    """One positional argument.

    Attributes:
        name: what it is called in the help.
        kind: of its values.
        many: whether there may be several.
        help: what it is.
        usage: how it is typed.
    """

    name: str
    kind: str
    many: bool
    help: str
    usage: str


class Command(NamedTuple):
    """A verb, or an action of one.

    Attributes:
        name: what is typed behind ``mobileops``.
        group: of the verb.
        summary: what it does, in one line.
        usage: what is typed behind the name.
        arguments: in their order.
        options: in the order of the help.
        actions: with a parser of their own.
        examples: whole command lines.
    """

    name: str
    group: str
    summary: str
    usage: str
    arguments: tuple[Argument, ...]
    options: tuple[Option, ...]
    actions: tuple[Command, ...]
    examples: tuple[str, ...]


def commands() -> tuple[Command, ...]:
    """Return every verb; all of them are imported."""
    return tuple(_command(parser_of(verb), verb.name, verb.summary, verb.group) for verb in VERBS)


def parser_of(verb: Verb) -> Parser:
    """Return the parser of a verb, as the command line makes it."""
    parser = Parser(verb)
    importlib.import_module(verb.module).configure(parser)
    return parser


def _command(parser: argparse.ArgumentParser, name: str, summary: str, group: str) -> Command:
    actions = [one for one in parser._actions if not isinstance(one, argparse._HelpAction)]  # noqa: SLF001  argparse tells nobody else
    children = next((one for one in actions if isinstance(one, argparse._SubParsersAction)), None)  # noqa: SLF001
    plain = [one for one in actions if one is not children]
    arguments = tuple(_argument(one, name, group) for one in plain if not one.option_strings)
    options = tuple(_option(one, name, group) for one in plain if one.option_strings and one.help != argparse.SUPPRESS)
    usage = [*(one.usage for one in options), *(one.usage for one in arguments)]
    return Command(
        name,
        group,
        summary,
        " ".join(usage if children is None else [*usage, "|".join(children.choices), "..."]),
        arguments,
        options,
        () if children is None else _actions(children, name, group),
        tuple(line.strip() for line in (parser.epilog or "").splitlines()[1:]),
    )


def _actions(children: argparse._SubParsersAction[Parser], name: str, group: str) -> tuple[Command, ...]:
    summaries = {one.dest: one.help or "" for one in children._choices_actions}  # noqa: SLF001
    return tuple(
        _command(parser, f"{name} {action}", summaries[action], group) for action, parser in children.choices.items()
    )


def _argument(action: argparse.Action, name: str, group: str) -> Argument:
    shown = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    many = action.nargs in {"*", "+"}
    usage = f"{shown} ..." if many and shown[0] != "[" else shown
    is_optional = action.nargs in {"*", "?"} and shown[0] != "["
    return Argument(shown, _kind(action, name, group), many, _help(action), f"[{usage}]" if is_optional else usage)


def _option(action: argparse.Action, name: str, group: str) -> Option:
    if action.nargs == 0:
        value, kind = None, ""
    else:
        value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
        kind = _kind(action, name, group) or FREE
    typed = action.option_strings[-1] + ("" if value is None else f" {value}")
    usage = typed if action.required else f"[{typed}]"
    return Option(tuple(action.option_strings), value, kind, _help(action), usage)


def _help(action: argparse.Action) -> str:
    return (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")


def _kind(action: argparse.Action, name: str, group: str) -> str:
    if action.choices:
        return "=" + " ".join(map(str, action.choices))
    if (name, action.dest) in {("create-template", "type"), ("permissions", "action")}:
        return "=" + " ".join(_words(name))
    is_installed = group == "operator" and action.dest in _NAMES and " " not in name and name not in _NOT_INSTALLED
    return (
        _OF.get((name, action.dest))
        or _BY_METAVAR.get(str(action.metavar))
        or ("file" if action.type is Path else None)
        or _BY_DEST.get(action.dest)
        or ("installed" if is_installed and not action.option_strings else "")
    )


def _words(name: str) -> tuple[str, ...]:
    """Return the choices of an argument whose verb judges them itself, to say more about a wrong one."""
    if name == "create-template":
        from mobileops.toolchain.scaffold import templates  # noqa: PLC0415  only where the table is made

        return tuple(templates())
    return tuple(importlib.import_module("mobileops.cli.commands.permissions").WORDS)
