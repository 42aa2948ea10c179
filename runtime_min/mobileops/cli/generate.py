"""``python -m mobileops.cli.generate --write|--check``: the table of the completion, and the manual page.

Both are made of the verb table and the parsers, which need every distribution; what they are made into needs none.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.cli import description, manual
from mobileops.errors import EXIT_DONE, EXIT_FAILURE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobileops.cli.description import Command

COMMAND: Final = "python -m mobileops.cli.generate --write"
_HERE: Final = Path(__file__).resolve().parent
TABLE: Final = _HERE / "_completions_generated.py"
PAGE: Final = _HERE.parents[1] / "man" / "mobileops.1"


def table(commands: Sequence[Command]) -> str:
    """Return the module that `mobileops.cli.completing` asks.

    Its ``VERBS`` is: name -> (summary, options, arguments, actions), with option -> (help, kind of its value),
    (kind, whether there may be more) for each argument, and actions as verbs.
    """
    lines = [
        f'"""Verbs and options for the completion; made by ``{COMMAND}``."""',
        "",
        "from __future__ import annotations",
        "",
        "TYPE_CHECKING = False  # see mobileops.cli.verbs",
        "if TYPE_CHECKING:",
        "    from typing import Any, Final",
        "",
        "VERBS: Final[dict[str, Any]] = {",
    ]
    for command in commands:
        lines += [f"    {command.name!r}: {_node(command)!r},"]
    return "\n".join([*lines, "}"]) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code: 1 if ``--check`` found a file stale."""
    parser = argparse.ArgumentParser(prog="python -m mobileops.cli.generate", description=__doc__)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write what is stale")
    mode.add_argument("--check", action="store_true", help="exit 1 if one is stale")
    options = parser.parse_args(arguments)
    commands = description.commands()
    stale = False
    for path, text in ((TABLE, table(commands)), (PAGE, manual.page(commands))):
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale = True
        if options.write:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        sys.stderr.write(f"wrote {path.name}\n" if options.write else f"{path.name} is stale: run {COMMAND}\n")
    return EXIT_FAILURE if stale and options.check else EXIT_DONE


def _node(command: Command) -> tuple[object, ...]:
    return (
        command.summary,
        {name: (option.help, option.kind) for option in command.options for name in reversed(option.names)},
        tuple((argument.kind, argument.many) for argument in command.arguments),
        {action.name.rpartition(" ")[2]: _node(action) for action in command.actions},
    )


if __name__ == "__main__":
    sys.exit(main())
