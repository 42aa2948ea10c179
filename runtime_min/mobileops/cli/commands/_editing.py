"""What the verbs share that say something new about a published plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.cli.commands._repositories import written
from mobileops.toolchain.repository.change import changing

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from mobileops.cli.console import Console
    from mobileops.toolchain.repository.change import Change
    from mobileops.toolchain.repository.editing import Edited


def edit(arguments: argparse.Namespace, console: Console, act: Callable[[Change], Edited], *, done: str) -> int:
    """Do it, and say what came of it, for a program as schema/cli/repository-edit.v1.schema.json describes."""
    target = written(console.home(), arguments.repository)
    with changing(target.folder, target.keys) as change:
        edited = act(change)
    if arguments.json:
        console.json({"name": edited.name, "changed": list(edited.changed), "repository": str(target.folder)})
    elif edited.changed:
        console.print(f"{done} in {target.folder}: {', '.join(edited.changed)} changed")
    else:
        console.print(f"the repository in {target.folder} said so already")
    return 0
