"""What the console script imports: Ctrl-C ends a command without a traceback from the first line of this module on.

Python makes KeyboardInterrupt of SIGINT from its own start on, and one that comes where nobody catches it is a
traceback. So the signal has its default action, which ends the process at once as it ends a C program, until `main` has
something to tidy up, and after it has done so. What comes while Python itself starts is beyond this module.
A signal that whoever started the command ignores (nohup(1), ``&`` in a script) stays ignored.
"""

from __future__ import annotations

from _signal import (  # type: ignore[import-not-found]  # without what signal(7)'s module imports, and mypy knows
    SIG_DFL,
    SIG_IGN,
    SIGINT,
    default_int_handler,
    getsignal,
    signal,
)

_IS_IGNORED = getsignal(SIGINT) == SIG_IGN
if not _IS_IGNORED:
    signal(SIGINT, SIG_DFL)


def main() -> int:
    """Run one command and return its exit code."""
    from mobileops.cli.main import EXIT_INTERRUPTED  # noqa: PLC0415  the signal is taken care of first
    from mobileops.cli.main import main as run  # noqa: PLC0415  likewise

    if _IS_IGNORED:
        return run()
    try:
        signal(SIGINT, default_int_handler)
        code = run()
        signal(SIGINT, SIG_DFL)
    except KeyboardInterrupt:  # for the second time, or after the end
        signal(SIGINT, SIG_DFL)
        return EXIT_INTERRUPTED
    return code
