"""``python -m mobileops.toolchain.diagnostics --write|--check``: the reference page of the codes."""

from __future__ import annotations

import argparse
import sys

from mobileops.errors import EXIT_DONE, EXIT_FAILURE
from mobileops.toolchain._resources import schema_root
from mobileops.toolchain.diagnostics.page import COMMAND, PAGE, codes_page


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code: 1 if ``--check`` found the page stale."""
    parser = argparse.ArgumentParser(prog="python -m mobileops.toolchain.diagnostics", description=__doc__)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write the page if it is stale")
    mode.add_argument("--check", action="store_true", help="exit 1 if the page is stale")
    options = parser.parse_args(arguments)
    path = schema_root().parent / PAGE
    if path.is_file() and path.read_text(encoding="utf-8") == codes_page():
        return EXIT_DONE
    if options.check:
        sys.stderr.write(f"{PAGE} is stale: run {COMMAND}\n")
        return EXIT_FAILURE
    path.write_text(codes_page(), encoding="utf-8")
    sys.stderr.write(f"wrote {PAGE}\n")
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(main())
