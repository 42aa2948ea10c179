"""The manual page, in the man(7) macros of roff that groff and mandoc have in common."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from mobileops.runtime import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mobileops.cli.description import Command, Option

MADE_BY: Final = "python -m mobileops.cli.generate --write"

DATE: Final = "2026-11-23"
"""Of what is written here by hand."""

COLUMNS: Final = 60
"""Of a line of text before its signs are escaped; mandoc wants at most 80 bytes after that."""

EXIT_CODES: Final = (
    ("0", "done"),
    ("1", "findings, or the command failed"),
    ("2", "the command line cannot be understood"),
    ("3", "refused: trust, permissions or isolation say no"),
    ("4", "the environment failed: plugin manager, disk, network, a missing extra"),
    ("130", "interrupted"),
)
ENVIRONMENT: Final = (
    ("MOBILEOPS_HOME", "the folder of the plugin manager, instead of the one below FILES"),
    ("MOBILEOPS_PLUGIN_DEBUG", "anything but 0: errors of plugins carry their tracebacks"),
    ("NO_COLOR", "anything: no colours are printed"),
)
FILES: Final = (
    ("/var/lib/mobileops", "the plugin manager's folder of root"),
    ("$XDG_DATA_HOME/mobileops", "that of anybody else; without the variable, ~/.local/share/mobileops"),
)
SIGNS: Final = str.maketrans(
    {"\\": r"\e", "-": r"\-", "'": r"\(aq", "^": r"\(ha", "~": r"\(ti", "`": r"\(ga", "…": "..."}
)


def page(commands: Sequence[Command]) -> str:
    """Return the page of the whole program."""
    return "\n".join(_lines(commands)) + "\n"


def _lines(commands: Sequence[Command]) -> Iterator[str]:
    yield f'.\\" Made by: {MADE_BY}'
    yield f'.TH MOBILEOPS 1 "{DATE}" "MobileOps {__version__}" "MobileOps Manual"'
    yield from (".SH NAME", r"mobileops \- build, sign, install and run plugins, confined to what they declare")
    yield from (".SH SYNOPSIS", ".B mobileops", r".I verb", r"[\fIarguments\fR]", ".br", r".B mobileops \-\-help")
    yield from (".SH DESCRIPTION", _text(DESCRIPTION))
    group = ""
    for command in commands:
        if command.group != group:
            group = command.group
            yield f".SH {'VERBS: ' + group.upper()}"
        yield from _command(command)
    yield from _listed("EXIT STATUS", EXIT_CODES)
    yield from _listed("ENVIRONMENT", ENVIRONMENT)
    yield from _listed("FILES", FILES)


DESCRIPTION: Final = (
    "A PLUGIN is a folder, or the name of one here or in the plugins folder. Reports go to standard output (with "
    "--json for programs), everything else to standard error. Every error has a code; mobileops explain CODE says more."
)


def _command(command: Command) -> Iterator[str]:
    yield f".SS {_text(command.name)}"
    yield rf".B mobileops {_text(command.name)}"
    if command.usage:
        yield _text(command.usage)
    yield ".PP"
    yield _text(_sentence(command.summary))
    for argument in command.arguments:
        if argument.help:
            yield from (".TP", rf"\fI{_text(argument.name)}\fR", _text(argument.help))
    for option in command.options:
        yield from (".TP", _names(option), _text(option.help or "see above"))
    for action in command.actions:
        yield from _command(action)
    if command.examples:
        title = "Example:" if len(command.examples) == 1 else "Examples:"
        yield from (".PP", title, ".PP", ".nf", ".RS 4", *map(_line, command.examples), ".RE", ".fi")


def _names(option: Option) -> str:
    value = "" if option.value is None else rf" \fI{_text(option.value)}\fR"
    return ", ".join(rf"\fB{_text(name)}\fR{value}" for name in option.names)


def _listed(title: str, entries: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f".SH {title}"
    for name, text in entries:
        yield from (".TP", rf"\fB{_text(name)}\fR", _text(text))


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _text(text: str) -> str:
    """Return text that roff takes for nothing but text, in short lines."""
    return "\n".join(map(_line, textwrap.wrap(text, COLUMNS, break_long_words=False, break_on_hyphens=False)))


def _line(text: str) -> str:
    """Return one line of text as it is; a line must not begin with a sign of a request."""
    return (r"\&" if text.startswith((".", "'")) else "") + text.translate(SIGNS)
