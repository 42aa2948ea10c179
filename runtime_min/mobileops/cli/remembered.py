"""``mobileops verify FILE`` of a bundle that was verified before, without what a command line usually needs.

Only this exact form, with ``--json`` or without, and only if a verdict is remembered and counts (see
`mobileops.runtime.trust.verdicts`): in any other case the verb itself runs. No argparse, typing, pathlib or json: their
import would take longer than the answer.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # see mobileops.cli.verbs
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

SIGNATURE_SUFFIX: Final = ".sigstore.json"
INPUTS: Final = ("trust.json", "pins.json", "trust-state.json")
"""Files of the home that a verdict depends on, besides those of the roots."""
VERDICTS: Final = "verdicts"


def verify(words: Sequence[str], environment: Mapping[str, str]) -> int | None:
    """Answer from a remembered verdict and return the exit code; None if the verb has to do it.

    Args:
        words: the words after ``verify``.
        environment: the process environment.
    """
    options = [word for word in words if word.startswith("-")]
    files = [word for word in words if not word.startswith("-")]
    if len(files) != 1 or options not in ([], ["--json"]):
        return None
    from mobileops.runtime.trust.verdicts import Question, recall  # noqa: PLC0415  --help must not pay for it

    bundle, home = locate(files[0]), root(environment, uid=os.geteuid())
    question = Question.ask(bundle, [f"{home}/{name}" for name in INPUTS], signature=bundle + SIGNATURE_SUFFIX)
    verdict = None if question is None else recall(f"{home}/{VERDICTS}", question)
    if verdict is None:
        return None
    sys.stdout.write(verdict.json if options else verdict.report)
    sys.stdout.flush()
    for text in verdict.due():
        sys.stderr.write(f"warning: {text}\n")
    return 0


def locate(word: str) -> str:
    """Return the path that a word names, as ``str(Path.cwd() / word)`` for a plain one."""
    return os.path.join(os.getcwd(), word.removeprefix("./"))  # noqa: PTH109, PTH118 - without pathlib


def root(environment: Mapping[str, str], *, uid: int) -> str:
    """Return where the home is: ``mobileops.runtime.home.default_root``, as text."""
    named = environment.get("MOBILEOPS_HOME")
    if named:
        goes_up = ".." in named.split("/")
        return os.path.realpath(named) if goes_up else os.path.abspath(named)  # noqa: PTH100 - without pathlib
    if uid == 0:
        return "/var/lib/mobileops"
    data_home = environment.get("XDG_DATA_HOME") or os.path.join(environment.get("HOME", "/"), ".local", "share")  # noqa: PTH118 - without pathlib
    return f"{data_home}/mobileops"
