"""Read what the installed wheels say about themselves: names, versions, licences, and what they need.

The source is ``*.dist-info/METADATA`` (core metadata, https://packaging.python.org/specifications/core-metadata) of the
folder that goes into the bundle, so the description and the files cannot drift apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from email.message import Message
    from pathlib import Path

    from packaging.requirements import Requirement

MAX_METADATA_BYTES: Final = 4 << 20
_LICENCE_CLASSIFIER: Final = "License :: "
_MAX_LICENCE_CHARACTERS: Final = 200
"""Of the field ``License``: old packages have the whole text in it, which is no name."""


class Distribution(NamedTuple):
    """One installed distribution.

    Attributes:
        name: as it calls itself.
        normal_name: as in PEP 503, for comparing.
        version: as it calls it (PEP 440).
        summary: one line, or empty.
        licence: an SPDX expression when `licence_is_expression`, else a name; or empty.
        licence_is_expression: whether the metadata say so (``License-Expression``, PEP 639).
        requires: its requirements (PEP 508), unevaluated.
        tags: of the wheel, such as ``py3-none-any``.
        native: whether the wheel is for some platforms only.
    """

    name: str
    normal_name: str
    version: str
    summary: str
    licence: str
    licence_is_expression: bool
    requires: tuple[str, ...]
    tags: tuple[str, ...]
    native: bool


def read_distributions(site: Path) -> tuple[Distribution, ...]:
    """Return the distributions installed in `site`, sorted by normal name."""
    found = [_read(info) for info in site.glob("*.dist-info") if (info / "METADATA").is_file()]
    return tuple(sorted(found, key=lambda distribution: distribution.normal_name))


def _read(info: Path) -> Distribution:
    from packaging.utils import canonicalize_name  # noqa: PLC0415 - most plugins have no dependencies

    metadata = _message(info / "METADATA")
    expression = (metadata.get("License-Expression") or "").strip()
    name = (metadata.get("Name") or info.name.partition("-")[0]).strip()
    wheel = _message(info / "WHEEL")
    tags = tuple(sorted(text.strip() for text in wheel.get_all("Tag") or ()))
    return Distribution(
        name=name,
        normal_name=canonicalize_name(name),
        version=(metadata.get("Version") or "").strip(),
        summary=" ".join((metadata.get("Summary") or "").split()),
        licence=expression or _licence_name(metadata),
        licence_is_expression=bool(expression),
        requires=tuple(metadata.get_all("Requires-Dist") or ()),
        tags=tags,
        native=any(not tag.endswith("-any") for tag in tags),
    )


def _message(path: Path) -> Message:
    from email.parser import HeaderParser  # noqa: PLC0415 - most plugins have no dependencies

    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_METADATA_BYTES)
    except FileNotFoundError:
        data = b""
    # The headers alone; the description behind them may be anything. Core metadata are UTF-8.
    text = data.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("utf-8", "replace")
    return HeaderParser().parsestr(text)


def _licence_name(metadata: Message) -> str:
    text = (metadata.get("License") or "").strip()
    if text and "\n" not in text and len(text) <= _MAX_LICENCE_CHARACTERS and text.upper() != "UNKNOWN":
        return text
    classifiers = [text.strip() for text in metadata.get_all("Classifier") or ()]
    names = [text.rpartition(" :: ")[2] for text in classifiers if text.startswith(_LICENCE_CLASSIFIER)]
    return ", ".join(sorted(name for name in names if name != "OSI Approved"))


def dependency_graph(
    roots: Sequence[str], distributions: Sequence[Distribution], *, environment: Mapping[str, str] | None = None
) -> dict[str, tuple[str, ...]]:
    """Return who needs whom, among what is installed.

    Args:
        roots: requirements of the plugin (PEP 508).
        distributions: what is installed.
        environment: marker variables of the system that the bundle is for; those missing are of this one.

    Returns:
        Normal name -> normal names, sorted; the plugin itself is the empty string.
    """
    from packaging.requirements import Requirement  # noqa: PLC0415 - most plugins have no dependencies
    from packaging.utils import canonicalize_name  # noqa: PLC0415 - likewise

    by_name = {distribution.normal_name: distribution for distribution in distributions}
    edges: dict[str, set[str]] = {"": set(), **{name: set() for name in by_name}}
    pending: list[tuple[str, str, frozenset[str]]] = [("", text, frozenset()) for text in roots]
    seen: set[tuple[str, str]] = set()
    while pending:
        parent, text, extras = pending.pop()
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if name not in by_name or not _applies(requirement, extras, environment):
            continue
        edges[parent].add(name)
        for extra in ("", *requirement.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                pending += [(name, needed, frozenset({extra})) for needed in by_name[name].requires]
    return {name: tuple(sorted(needed)) for name, needed in edges.items()}


def _applies(requirement: Requirement, extras: frozenset[str], environment: Mapping[str, str] | None) -> bool:
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({**(environment or {}), "extra": extra}) for extra in extras or {""})
