"""``mobileops validate``: report every finding of a plugin's source, and repair what is safe to repair."""

from __future__ import annotations

TYPE_CHECKING = False  # see mobileops.cli.verbs
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from mobileops.cli.console import Console
    from mobileops.cli.parser import Parser

FORMATS = ("text", "json", "sarif", "junit", "github")
SUFFIXES = (".json", ".yaml", ".yml")


def quick(words: Sequence[str], console: Console) -> int | None:
    """Answer for a manifest or a folder that is named by its path alone; None if it takes more than that.

    An editor or a hook does this for every change of a file: argparse would be a large part of what it costs.
    """
    import os  # noqa: PLC0415  in every process already

    word = words[0] if words else "."
    if len(words) > 1 or word.startswith("-"):
        return None
    if word.endswith(SUFFIXES[0]):
        return _good_manifest(word, console)
    if not os.path.exists(os.path.join(word, "plugin.json")):  # noqa: PTH110, PTH118  pathlib comes when it is needed
        return None
    from pathlib import Path  # noqa: PLC0415  as late as the rest

    return _report(Path(word).resolve(), None, console, form="text")


def _good_manifest(word: str, console: Console) -> int | None:
    """Answer for one good manifest at little more than the cost of Python itself.

    Whatever is not plainly good is looked at again, with everything that it takes to say what is wrong.
    """
    import os  # noqa: PLC0415  in every process already

    from mobileops.manifest import MAX_JSON_BYTES, check, loads  # noqa: PLC0415  as late as the rest

    folder, name = os.path.split(word)
    try:
        descriptor = os.open(word, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(MAX_JSON_BYTES + 1)
        good = not check(loads(content, where=name), where=name)
    except Exception:  # noqa: BLE001  the other way says what is wrong
        return None
    if not good or os.path.lexists(os.path.join(folder, ".mobileops.toml")):  # noqa: PTH118  pathlib is half the cost
        return None
    console.note(f"{name}: valid")
    return 0


def configure(parser: Parser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "plugin", nargs="?", help="folder, name, or file of a manifest to check by itself; default: this folder"
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="text for people; json, sarif (2.1.0), junit (XML) or github (annotations) for programs",
    )
    parser.add_argument("--fix", action="store_true", help="correct what has one safe correction, and show the diff")
    parser.json_option()
    parser.example("mobileops validate my-plugin --fix")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print all findings; exit 1 when one of them is an error."""
    import mobileops.toolchain.diagnostics  # noqa: F401, PLC0415  first of all: without it nothing can be validated

    source, manifest_name = _target(arguments.plugin, console)
    form = arguments.format or ("json" if arguments.json else "text")
    if arguments.fix:
        _fix(source, manifest_name, console, for_people=form == "text")
    return _report(source, manifest_name, console, form=form)


def _report(source: Path, manifest_name: str | None, console: Console, *, form: str) -> int:
    from mobileops.toolchain.diagnostics import diagnose  # noqa: PLC0415  see quick

    diagnostics = diagnose(source, manifest_name=manifest_name)
    errors = sum(found.is_error for found in diagnostics)
    name = manifest_name or source.name
    if diagnostics or form not in {"text", "github"}:
        from mobileops.toolchain.diagnostics import formats  # noqa: PLC0415  a good plugin needs no text

        show = console.findings if form == "text" else console.document
        show(formats.render(diagnostics, form, name=name, base=_base(source)))
    if form == "text":
        warnings = len(diagnostics) - errors
        counted = f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}"
        console.note(f"{name}: {counted if diagnostics else 'valid'}")
    return 1 if errors else 0


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _target(word: str | None, console: Console) -> tuple[Path, str | None]:
    """Return the folder of a plugin, or the folder and name of a manifest's file."""
    from pathlib import Path  # noqa: PLC0415  see quick

    from mobileops.cli.commands._sources import find_source  # noqa: PLC0415  see quick

    path = Path.cwd() / (word or "")
    if word and path.suffix in SUFFIXES and path.exists() and not path.is_dir():
        return path.parent.resolve(), path.name
    return find_source(word, console.home(), cwd=Path.cwd()), None


def _fix(source: Path, manifest_name: str | None, console: Console, *, for_people: bool) -> None:
    """Write the corrected manifest and show the difference, beside the report if a program reads that."""
    from mobileops.toolchain.diagnostics import repair  # noqa: PLC0415  only this option needs it

    planned = repair.plan(source, manifest_name=manifest_name)
    if planned is None or planned.before == planned.after:
        console.note(f"{manifest_name or source.name}: nothing has one safe correction")
        return
    repair.write(source, planned)
    show = console.print if for_people else console.note
    show(planned.diff().rstrip("\n"))
    console.note(f"{manifest_name or source.name}: {planned.name} corrected")


def _base(source: Path) -> str:
    """Return what makes a file name of the plugin one that can be opened from the current directory."""
    here = source.cwd().resolve()
    if source == here:
        return ""
    shown = source.relative_to(here) if source.is_relative_to(here) else source
    return f"{shown.as_posix()}/"
