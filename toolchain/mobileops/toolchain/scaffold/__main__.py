"""``python -m mobileops.toolchain.scaffold --write|--check``: make the templates' questions from the schema."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mobileops.errors import EXIT_DONE, EXIT_FAILURE
from mobileops.toolchain._resources import cookiecutters_root
from mobileops.toolchain.scaffold import creation, prompts
from mobileops.toolchain.spec import load

if TYPE_CHECKING:
    from pathlib import Path


def stale() -> dict[Path, str]:
    """Return path -> right content of each ``cookiecutter.json`` that the schema says otherwise."""
    schema, digest = load.plugin_schema(), load.schema_digest(load.schema_bytes())
    found = {}
    for plugin_type in creation.templates():
        path = cookiecutters_root() / plugin_type / prompts.TEMPLATE_MARK
        right = prompts.text(schema, plugin_type, digest=digest)
        if path.read_text(encoding="utf-8") != right:
            found[path] = right
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code: 1 if ``--check`` found a stale file."""
    parser = argparse.ArgumentParser(prog="python -m mobileops.toolchain.scaffold", description=__doc__)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write the files that are stale")
    mode.add_argument("--check", action="store_true", help="exit 1 naming the files that are stale")
    options = parser.parse_args(arguments)
    found = stale()
    for path, content in found.items():
        if options.write:
            path.write_text(content, encoding="utf-8")
        sys.stderr.write(f"wrote {path}\n" if options.write else f"{path} is stale: run {prompts.COMMAND}\n")
    return EXIT_FAILURE if found and options.check else EXIT_DONE


if __name__ == "__main__":
    sys.exit(main())
