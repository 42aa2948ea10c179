"""``python -m mobileops.toolchain.spec --write|--check``: regenerate, or fail naming what is stale."""

from __future__ import annotations

import argparse
import sys

from mobileops.errors import EXIT_DONE, EXIT_FAILURE, MobileOpsError
from mobileops.toolchain._resources import schema_root
from mobileops.toolchain.spec.codegen import COMMAND, stale, write


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code: 1 if ``--check`` found a stale file."""
    parser = argparse.ArgumentParser(prog="python -m mobileops.toolchain.spec", description=__doc__)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write the files that are stale")
    mode.add_argument("--check", action="store_true", help="exit 1 naming the files that are stale")
    options = parser.parse_args(arguments)
    try:
        checkout = schema_root().parent
        names = write(checkout) if options.write else stale(checkout)
    except MobileOpsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    for name in names:
        sys.stderr.write(f"wrote {name}\n" if options.write else f"{name} is stale: run {COMMAND}\n")
    return EXIT_FAILURE if names and options.check else EXIT_DONE


if __name__ == "__main__":
    sys.exit(main())
