"""Two hooks of the standard library that do not run when the zygote forks.

``threading`` and ``logging`` make their locks anew in every forked child, in case another thread held one. The zygote
has one thread, so there is nothing to mend, but mending writes to objects all over its memory: 250 KiB that each plugin
would hold alone. They run as ever when a plugin forks, and those of other modules always do: ``random`` is seeded anew.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Imported one after the other; what they import in turn registers no hook.
MODULES: Final = ("threading", "logging")


class ForkHooks:
    """Holds hooks back until `release`, which is called in the child."""

    def __init__(self) -> None:
        self._released = False

    def import_without(self) -> None:
        """Import `MODULES`, if nothing has imported them yet, and hold back the hooks that they register."""
        with self._registering():
            for name in MODULES:
                importlib.import_module(name)

    def release(self) -> None:
        """Let all hooks run from the next fork on."""
        self._released = True

    @contextlib.contextmanager
    def _registering(self) -> Iterator[None]:
        register = os.register_at_fork

        def register_held_back(**hooks: Callable[[], object]) -> None:
            held_back: dict[str, Callable[[], object]] = {when: self._held_back(hook) for when, hook in hooks.items()}
            register(**held_back)

        vars(os)["register_at_fork"] = register_held_back
        try:
            yield
        finally:
            vars(os)["register_at_fork"] = register

    def _held_back(self, hook: Callable[[], object]) -> Callable[[], object]:
        def run() -> None:
            if self._released:
                hook()

        return run
