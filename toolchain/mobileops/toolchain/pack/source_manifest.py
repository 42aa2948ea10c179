"""Read the manifest of a source folder: plugin.json, or plugin.yaml for people who prefer comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.manifest import MAX_JSON_BYTES, Manifest, canonical, parse
from mobileops.toolchain.pack.codes import PackCode, fail

if TYPE_CHECKING:
    from pathlib import Path

JSON_NAME: Final = "plugin.json"
YAML_NAME: Final = "plugin.yaml"


def load_manifest(source: Path) -> tuple[Manifest, str]:
    """Return the manifest of the folder `source` and the name of the file it came from.

    Raises:
        ManifestError: the manifest has findings.
        PackagingError: there is no manifest (MOP2401), there are two (MOP2402), or the YAML is broken (MOP2403).
    """
    found = [name for name in (JSON_NAME, YAML_NAME) if (source / name).exists()]
    if not found:
        what = f"{str(source)!r} has no {JSON_NAME}"
        fix = "name a plugin folder, or make one with 'mobileops create-template NAME TYPE'"
        fail(PackCode.NO_SOURCE, what, fix=fix)
    if len(found) > 1:
        what = f"{str(source)!r} has both {JSON_NAME} and {YAML_NAME}"
        fail(PackCode.TWO_MANIFESTS, what, fix=f"keep one of them: {JSON_NAME} is what a bundle carries")
    name = found[0]
    data = _read(source / name)
    if name == YAML_NAME:
        data = _yaml_as_json(data, where=str(source / name))
    return parse(data, where=name), name


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            # One byte over the limit is enough for the parser to say that the file is too large.
            return stream.read(MAX_JSON_BYTES + 1)
    except OSError as error:
        what = f"{path.name} cannot be read: {error.strerror}"
        fail(PackCode.UNREADABLE, what, where=str(path), fix="make it a readable file", cause=error)


def _yaml_as_json(data: bytes, *, where: str) -> bytes:
    from mobileops.toolchain import yaml_text  # noqa: PLC0415 - most plugins have no YAML

    try:
        text = data.decode("utf-8")
    except ValueError as error:
        fail(PackCode.YAML, f"{YAML_NAME} is not UTF-8", where=where, fix="save it as UTF-8", cause=error)
    document, findings = yaml_text.loads(text, where=where)
    if findings:
        fail(PackCode.YAML, findings[0].what, where=findings[0].where, fix=findings[0].fix or "correct it")
    return canonical(document)
