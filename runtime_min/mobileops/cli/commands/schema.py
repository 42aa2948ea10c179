"""``mobileops schema``: print the schema of plugin.json or a form, or tell an editor about it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobileops.cli.commands._sources import find_source
from mobileops.errors import HostFault, UsageError
from mobileops.toolchain.spec import editors, load

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--vscode", nargs="?", const=".", metavar="FOLDER", help="write .vscode/settings.json there")
    what.add_argument("--catalog", action="store_true", help="print the SchemaStore catalogue entry instead")
    what.add_argument(
        "--form", nargs="?", const="", metavar="PLUGIN", help="print the form of a plugin's settings, or of plugin.json"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write to this file, not to standard output")
    parser.example("mobileops schema --vscode my-plugin")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print or write; the schema is that of the installed toolchain."""
    text = load.schema_bytes().decode()
    if arguments.vscode is not None:
        _tell_editor(Path(arguments.vscode), text, arguments, console)
        return 0
    if arguments.catalog:
        text = json.dumps(editors.catalog(json.loads(text)), indent=2) + "\n"
    if arguments.form is not None:
        text = json.dumps(_form(arguments.form, text, console), indent=2, ensure_ascii=False) + "\n"
    if arguments.out is None:
        console.stdout.write(text)
    else:
        with _disk(arguments.out):
            arguments.out.write_text(text, encoding="utf-8")
        console.note(f"wrote {arguments.out}")
    return 0


def _form(plugin: str, text: str, console: Console) -> dict[str, Any]:
    """Return the form of a plugin's settings, or of plugin.json where no plugin is named."""
    from mobileops.toolchain.spec import form  # noqa: PLC0415  only this option needs it

    schema, digest = json.loads(text), load.schema_digest(text.encode())
    if not plugin:
        return form.manifest_form(schema, digest=digest)
    from mobileops.toolchain.checks.manifest_rules import checked_manifest  # noqa: PLC0415  likewise
    from mobileops.toolchain.checks.source import Source  # noqa: PLC0415  likewise

    source = Source(find_source(plugin, console.home(), cwd=Path.cwd()))
    return form.settings_form(schema, checked_manifest(source), digest=digest)


def _tell_editor(folder: Path, text: str, arguments: argparse.Namespace, console: Console) -> None:
    """Write the settings of a folder."""
    if arguments.out is not None:
        raise UsageError("--out and --vscode exclude each other", code="MOP7021", fix="use one of them")
    if not folder.is_dir():
        raise UsageError(f"there is no folder {str(folder)!r}", code="MOP7022", fix="name the folder of a plugin")
    with _disk(folder):
        changed = editors.write_settings(folder, text)
    for path in changed:
        console.print(f"wrote {path}")
    if not changed:
        console.note(f"{folder / editors.SETTINGS} says so already")
    if editors.needs_modeline(folder):
        console.note(f"plugin.yaml names a schema by its address; to work offline, begin it with: {editors.MODELINE}")


@contextlib.contextmanager
def _disk(path: Path) -> Iterator[None]:
    """Turn a refusal of the disk into a message."""
    try:
        yield
    except OSError as error:
        raise HostFault(
            f"{str(path)!r} cannot be written", code="MOP7023", why=error.strerror, fix="write elsewhere"
        ) from error
