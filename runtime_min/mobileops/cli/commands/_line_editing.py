"""Lines that a person types: with prompt_toolkit where it is installed, else as Python's own prompt does it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def prompter() -> Callable[[str], str]:
    """Return what shows a prompt and returns the line; it raises EOFError at Ctrl-D, KeyboardInterrupt at Ctrl-C.

    The lines before can be had back within one run of the command. They are not kept on disk: they may be secret.
    """
    try:
        from prompt_toolkit import PromptSession  # noqa: PLC0415  an optional extra, and 60 ms
    except ModuleNotFoundError:
        return _plain()
    session: PromptSession[str] = PromptSession()
    prompt: Callable[[str], str] = session.prompt
    return prompt


def _plain() -> Callable[[str], str]:
    with suppress(ModuleNotFoundError):  # a Python without it: a line can be corrected, and no more
        import readline  # noqa: F401, PLC0415  input() uses it from now on
    return input
