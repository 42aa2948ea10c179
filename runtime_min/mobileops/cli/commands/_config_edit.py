"""Let a person change settings in an editor: JSON below lines of explanation, which begin with ``#``."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import HostFault, ManifestError, MobileOpsError, PluginError
from mobileops.manifest.json_text import loads
from mobileops.runtime.settings.change import Change
from mobileops.runtime.settings.files import MAX_BYTES
from mobileops.runtime.settings.judgement import needs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mobileops.cli.console import Console
    from mobileops.manifest import Manifest
    from mobileops.runtime.settings.change import Known
    from mobileops.runtime.settings.files import Stored

FALLBACK: Final = "vi"
INTERRUPTED: Final = frozenset({-signal.SIGINT, 128 + signal.SIGINT})


def edited(console: Console, manifest: Manifest, known: Known, stored: Stored) -> Change:
    """Return what a person changed; what cannot be understood may be edited again on a terminal.

    Raises:
        HostFault: there is no editor, or it failed (MOP5407).
        PluginError: the text cannot be understood (MOP5408).
        KeyboardInterrupt: it was interrupted; nothing is changed.
    """
    command = _editor(console)
    offered = _offered(manifest, known, stored)
    text = _text(manifest, known, offered)
    with tempfile.TemporaryDirectory(prefix="mobileops-config-") as folder:
        path = Path(folder) / f"{manifest.name}.json"
        while True:
            path.write_text(text, encoding="utf-8")
            _run(command, path, console)
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            try:
                return _difference(offered, _read(text, manifest, known))
            except MobileOpsError as error:
                if not console.stdin.isatty():
                    raise
                console.error(error)
                if not _again(console):
                    raise


def _editor(console: Console) -> list[str]:
    for variable in ("VISUAL", "EDITOR"):
        if words := shlex.split(console.environment.get(variable, "")):
            return words
    if console.stdin.isatty():
        return [FALLBACK]
    raise HostFault(
        "there is no terminal for an editor",
        code="MOP5407",
        why="neither VISUAL nor EDITOR names one that does without",
        fix="mobileops config NAME --set KEY=VALUE",
    )


def _offered(manifest: Manifest, known: Known, stored: Stored) -> dict[str, Any]:
    """Return the values that are shown for editing: what is set, else the default; no secrets."""
    found: dict[str, Any] = {}
    for name, setting in known.definitions.items():
        if setting.get("secret"):
            continue
        default = manifest.configuration.get(name, setting.get("default"))
        if name in stored.values or default is not None:
            found[name] = stored.values.get(name, default)
    return dict(sorted(found.items()))


def _text(manifest: Manifest, known: Known, offered: Mapping[str, Any]) -> str:
    lines = [
        f"# Settings of {manifest.name} {manifest.version}. Save and leave to use them; unchanged changes nothing.",
        "# What you remove goes back to its default. Lines that begin with # do not count.",
        "#",
    ]
    for name, setting in sorted(known.definitions.items()):
        said = setting.get("description") or setting.get("title") or ""
        how = f"mobileops config {manifest.name} --secret {name}" if setting.get("secret") else needs(setting)
        lines.append(f"# {name}: {' '.join(said.split())}{' ' if said else ''}({how})")
    return "\n".join(lines) + "\n" + json.dumps(offered, indent=2, ensure_ascii=False) + "\n"


def _run(command: list[str], path: Path, console: Console) -> None:
    console.stdout.flush()
    with _left_to_the_editor():
        try:
            status = subprocess.run([*command, str(path)], check=False).returncode  # noqa: S603  the person's own editor
        except OSError as error:
            raise HostFault(
                f"the editor {command[0]!r} cannot be started: {error.strerror}",
                code="MOP5407",
                fix="name another in VISUAL or EDITOR, or use --set KEY=VALUE",
            ) from error
    if status in INTERRUPTED:
        raise KeyboardInterrupt
    if status != 0:
        raise HostFault(
            f"the editor {command[0]!r} ended with status {status}; nothing was changed",
            code="MOP5407",
            fix="repeat the command, or use --set KEY=VALUE",
        )


@contextmanager
def _left_to_the_editor() -> Iterator[None]:
    """Leave Ctrl-C to the editor: many use it, and those that do not end by it, which is noticed.

    A handler that does nothing, because the program would inherit a signal that is ignored (execve(2)).
    """
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _read(text: str, manifest: Manifest, known: Known) -> dict[str, Any]:
    kept = "\n".join("" if line.lstrip().startswith("#") else line for line in text.splitlines())
    try:
        document = loads(kept.encode("utf-8", "surrogateescape"), where=f"{manifest.name}.json", limit=MAX_BYTES)
    except ManifestError as error:
        raise _not_understood(error.findings[0].what, error.findings[0].where) from error
    if not isinstance(document, dict):
        raise _not_understood("it is no JSON object of settings and values", f"{manifest.name}.json")
    for name in document:
        if known.definition(name).get("secret"):
            raise _not_understood(f"{name!r} is a secret, and does not belong here", f"{manifest.name}.json")
    return document


def _not_understood(why: str, where: str) -> PluginError:
    return PluginError(
        f"the edited settings cannot be used: {why}",
        code="MOP5408",
        where=where,
        fix="edit it again; nothing was changed",
    )


def _difference(offered: Mapping[str, Any], wanted: Mapping[str, Any]) -> Change:
    values = {name: value for name, value in wanted.items() if name not in offered or not _same(offered[name], value)}
    return Change(values, frozenset(offered.keys() - wanted.keys()))


def _same(one: object, other: object) -> bool:
    """Whether two values are the same, true and 1 not being so."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _again(console: Console) -> bool:
    said = console.ask("edit again? [Y/n] ")
    return said is not None and said.lower() in {"", "y", "yes"}
