"""``mobileops create-template NAME TYPE``: make a new plugin."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.errors import UsageError
from mobileops.toolchain import scaffold

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser

NAME: Final = "name"
LIST_COLUMNS: Final = 79


def configure(parser: Parser) -> None:
    """Describe the arguments; the questions of the templates are the options."""
    known = scaffold.templates()
    parser.add_argument("name", nargs="?", help="lowercase letters, digits and hyphens")
    parser.add_argument("type", nargs="?", help=f"{', '.join(known[:-1])} or {known[-1]}")
    for prompt in _questions():
        like = f" Like: {', '.join(prompt.choices)}." if prompt.choices else ""
        parser.add_argument(f"--{prompt.key}", help=f"{prompt.description}{like} Default: {prompt.default}")
    parser.add_argument("--no-input", action="store_true", help="ask nothing: take the default of what is not given")
    parser.add_argument("--dry-run", action="store_true", help="show what would be written; write nothing")
    parser.add_argument("--list", action="store_true", help="show the types")
    parser.json_option()
    parser.example("mobileops create-template my-plugin service")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Make NAME/ here, or fill this folder when it is empty and called NAME; ask only a person at a terminal."""
    if arguments.list:
        return _list(console, as_json=arguments.json)
    answers = {prompt.key: value for prompt in _questions() if (value := getattr(arguments, prompt.key)) is not None}
    if console.stdin.isatty() and not arguments.no_input:
        _ask(arguments, answers, console)
    _require(arguments)
    if arguments.dry_run:
        return _preview(arguments, answers, console)
    created = scaffold.create(arguments.name, arguments.type, parent=Path.cwd(), answers=answers)
    if arguments.json:
        console.json({"path": str(created.path), "files": [str(name) for name in created.files]})
        return 0
    for name in created.files:
        console.document(str(name))
    console.note(f"made {created.path}; next: mobileops test {arguments.name}, mobileops package {arguments.name}")
    return 0


def _questions() -> tuple[scaffold.Prompt, ...]:
    """Return what is asked besides the name; every template asks the same."""
    return tuple(prompt for prompt in scaffold.questions(scaffold.templates()[0]).prompts if prompt.key != NAME)


def _list(console: Console, *, as_json: bool) -> int:
    summaries = {name: scaffold.questions(name).summary for name in scaffold.templates()}
    if as_json:
        console.json([{"type": name, "summary": summary} for name, summary in summaries.items()])
    else:
        import textwrap  # noqa: PLC0415  only this list needs it

        width = max(map(len, summaries)) + 2
        for name, summary in summaries.items():
            left, below = f"{name:{width}}", " " * width
            console.print(textwrap.fill(summary, LIST_COLUMNS, initial_indent=left, subsequent_indent=below))
    return 0


def _preview(arguments: argparse.Namespace, answers: dict[str, str], console: Console) -> int:
    preview = scaffold.preview(arguments.name, arguments.type, parent=Path.cwd(), answers=answers)
    if arguments.json:
        files = {name: len(content) for name, content in preview.files.items()}
        console.json({"path": str(preview.path), "answers": dict(preview.answers), "files": files})
        return 0
    for name, content in preview.files.items():
        console.print(f"{len(content):7} {name}")
    console.note(f"would make {preview.path}; nothing is written")
    return 0


def _require(arguments: argparse.Namespace) -> None:
    """Refuse a command without a name or a type that nobody can be asked for."""
    missing = [word.upper() for word in (NAME, "type") if getattr(arguments, word) is None]
    if missing:
        raise UsageError(
            f"{' and '.join(missing)} missing for 'mobileops create-template'",
            code="MOP7003",
            why="there is nobody to ask: standard input is no terminal, or --no-input is given",
            fix=f"mobileops create-template NAME {'|'.join(scaffold.templates())}",
        )


def _ask(arguments: argparse.Namespace, answers: dict[str, str], console: Console) -> None:
    """Ask for what the command line does not say, with the default in brackets."""
    known = scaffold.templates()
    if arguments.name is None:
        name = scaffold.questions(known[0]).prompts[0]
        arguments.name = _answer(console, name, check=scaffold.require_name)
    if arguments.type is None:
        kind = scaffold.Prompt("type", "What kind of plugin it is.", "service", known)
        arguments.type = _answer(console, kind, check=scaffold.questions)
    for prompt in scaffold.questions(arguments.type).prompts:
        if prompt.key not in answers and prompt.key != NAME:
            answers[prompt.key] = _answer(console, prompt, check=functools.partial(scaffold.require_answer, prompt.key))


def _answer(console: Console, prompt: scaffold.Prompt, *, check: Callable[[str], object]) -> str:
    """Ask one question until the answer can be used.

    Raises:
        UsageError: the input ended.
    """
    like = f" ({', '.join(prompt.choices)})" if prompt.choices else ""
    console.note(f"{prompt.description}{like}")
    while True:
        said = console.ask(f"  {prompt.key} [{prompt.default}]: ")
        if said is None:
            fix = "answer it, or use --no-input"
            raise UsageError(f"the input ended before {prompt.key!r} was answered", code="MOP7109", fix=fix)
        answer = said or prompt.default
        try:
            check(answer)
        except UsageError as error:
            console.error(error)
        else:
            return answer
