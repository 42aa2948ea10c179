"""The entry point: find the verb, run it, turn what it raises into a message and an exit code.

Nothing heavy is imported before a verb needs it: ``mobileops --help`` must cost little more than the interpreter.
"""

from __future__ import annotations

import os
import sys

from mobileops.cli.verbs import BY_NAME, LATER, VERBS, Verb

TYPE_CHECKING = False  # see mobileops.cli.verbs
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from mobileops.cli.console import Console
    from mobileops.errors import MobileOpsError

EXIT_DONE: Final = 0
EXIT_FAILURE: Final = 1
EXIT_INTERRUPTED: Final = 130
_COLUMN: Final = 43
_NARROW_COLUMN: Final = 27
_WIDE: Final = 120
"""A terminal from which on the help has the wider column, as it has without a terminal."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        argv: the words after the program's name; None takes them from the process.
    """
    try:
        return _main(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n" if sys.stderr.isatty() else "interrupted\n")  # a terminal shows ^C
        return EXIT_INTERRUPTED


def _main(words: list[str]) -> int:
    if not words or words[0] in {"-h", "--help"} or words == ["help"]:
        return _write(_help())
    if words[0] in {"-V", "--version"}:
        from mobileops.runtime import __version__  # noqa: PLC0415  only this option needs it

        return _write(f"mobileops {__version__}\n")
    if words[0] == "verify":
        code = _remembered(words[1:])
        if code is not None:
            return code
    if words[0] in {"list", "status"}:
        code = _glanced(words)
        if code is not None:
            return code
    if words[:2] == ["completion", "--query"]:
        from mobileops.cli.completing import answer  # noqa: PLC0415  the help above does without

        return answer(words[2:], os.environ)
    return _guarded(words)


def _remembered(words: list[str]) -> int | None:
    """Answer from a verdict that is remembered, without what a verb needs; see `mobileops.cli.remembered`."""
    from mobileops.cli.remembered import verify  # noqa: PLC0415  the help above does without

    try:
        return verify(words, os.environ)
    except BrokenPipeError:
        _silence()
        return EXIT_DONE
    except OSError:  # the current directory is gone, for example: the verb says so
        return None


def _glanced(words: list[str]) -> int | None:
    """Answer from the receipts and the plugin manager, without what a verb needs; see `mobileops.cli.glance`."""
    from mobileops.cli.glance import answer  # noqa: PLC0415  the help above does without

    try:
        return answer(words, os.environ)
    except BrokenPipeError:
        _silence()
        return EXIT_DONE


def _help() -> str:
    from mobileops.cli import layout  # noqa: PLC0415  a remembered answer does without

    columns = layout.width(sys.stdout)
    column = _COLUMN if columns is None or columns >= _WIDE else _NARROW_COLUMN
    lines = ["usage: mobileops VERB [ARGUMENTS]", "       mobileops VERB --help", ""]
    group = ""
    for verb in VERBS:
        if verb.group != group:
            group = verb.group
            lines.append(f"{group}:")
        left = f"  {verb.name} {verb.usage}".rstrip()
        if len(left) > column:  # it has a line of its own
            lines.append(left)
            left = ""
        room = len(verb.summary) if columns is None else columns - column - 1
        for text in layout.broken(verb.summary, room):
            lines.append(f"{left:{column}} {text}")
            left = ""
    words = (
        "",
        "A PLUGIN is a folder, or the name of one here or in the plugins folder.",
        "Reports go to standard output (--json for programs), everything else to standard error.",
        "Exit codes: 0 done, 1 findings or failure, 2 usage, 3 refused, 4 environment, 130 interrupted.",
    )
    lines += [layout.paragraph(text, columns) for text in words]
    return "\n".join(lines) + "\n"


def _write(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
    return EXIT_DONE


def _silence() -> None:
    """Point standard output at nothing, so that the interpreter's last flush does not complain about a closed pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _guarded(words: list[str]) -> int:
    """Run a verb; every way out of it is a message without a traceback and an exit code."""
    import datetime  # noqa: F401, PLC0415  msgspec's own import of it makes a crash or an ImportError of Ctrl-C

    from mobileops.cli.console import Console  # noqa: PLC0415  the help above does without
    from mobileops.errors import MobileOpsError  # noqa: PLC0415  the help above does without

    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    console = Console.of_process()
    try:
        code = _run(words, console)
        sys.stdout.flush()
    except MobileOpsError as error:
        if debug:
            raise
        console.error(error)
        return error.exit_code
    except BrokenPipeError:
        _silence()
        return EXIT_DONE
    except Exception as error:
        if debug:
            raise
        console.error(_defect(error))
        return EXIT_FAILURE
    return code


def _defect(error: Exception) -> MobileOpsError:
    from mobileops.errors import MobileOpsError  # noqa: PLC0415  only a defect needs it

    return MobileOpsError(
        f"this is a defect of MobileOps: {type(error).__name__}: {error}",
        code="MOP7000",
        fix="repeat the command with --debug and report what it prints",
    )


def _run(words: list[str], console: Console) -> int:
    import importlib  # noqa: PLC0415  the help above does without

    if words[0] == "help":
        words = [*words[1:2], "--help"]
    verb = _verb(words[0])
    try:
        module = importlib.import_module(verb.module)
    except ModuleNotFoundError as error:
        raise _missing(verb, error) from error
    try:
        quick = getattr(module, "quick", None)
        if quick is not None and (code := quick(words[1:], console)) is not None:
            return int(code)
        from mobileops.cli.parser import Parser  # noqa: PLC0415  argparse is for verbs that need more than a word

        parser = Parser(verb)
        module.configure(parser)
        return int(module.run(parser.parse(words[1:]), console))
    except ModuleNotFoundError as error:
        raise _missing(verb, error) from error


def _verb(word: str) -> Verb:
    verb = BY_NAME.get(word)
    if verb is None and word in LATER:
        from mobileops.errors import UsageError  # noqa: PLC0415  only a mistake needs it

        raise UsageError(
            f"this version has no verb {word!r} yet",
            code="MOP7008",
            why=LATER[word],
            fix="mobileops --help lists the verbs of this version",
        )
    if verb is None:
        from mobileops.cli.suggestions import did_you_mean  # noqa: PLC0415  only a mistake needs it
        from mobileops.errors import UsageError  # noqa: PLC0415  only a mistake needs it

        raise UsageError(
            f"unknown verb {word!r}",
            code="MOP7001",
            fix=did_you_mean(word, BY_NAME) or "mobileops --help lists the verbs",
        )
    return verb


def _missing(verb: Verb, error: ModuleNotFoundError) -> Exception:
    from mobileops.errors import HostFault  # noqa: PLC0415  only a mistake needs it

    name = error.name or ""
    if name.startswith("mobileops.toolchain"):
        return HostFault(
            f"'mobileops {verb.name}' needs the toolchain, and only the runtime is installed",
            code="MOP8002",
            fix="pip install mobileops-toolchain",
        )
    if name.partition(".")[0] in {"securesystemslib", "tuf", "urllib3"}:
        return HostFault(
            f"the Python package {name!r} is missing",
            code="MOP6119",
            why="an optional extra of the runtime verifies what a repository says",
            fix="pip install 'mobileops-runtime[repository]'",
        )
    return HostFault(
        f"the Python package {name!r} is missing",
        code="MOP8003",
        why=f"'mobileops {verb.name}' needs it",
        fix="install MobileOps again",
    )


if __name__ == "__main__":
    sys.exit(main())
