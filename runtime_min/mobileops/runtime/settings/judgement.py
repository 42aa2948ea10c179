"""Hold the operator's settings against the definitions of the installed manifest.

Everything that is wrong is found at once. No finding tells the value of a secret.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from mobileops.errors import PluginError
from mobileops.manifest.settings import definitions, violation
from mobileops.plugin.configuration import defaults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mobileops.manifest import Manifest
    from mobileops.runtime.settings.files import Stored

Apply = Literal["live", "reload", "restart"]

APPLY: Final[tuple[Apply, ...]] = ("live", "reload", "restart")
"""How a change takes effect, the gentlest first."""

DEFAULT_CONF: Final = "config/default.conf"
MAX_CONF_CHARACTERS: Final = 1 << 18
UNFIT: Final = "MOP5403"
_SHOWN_CHARACTERS: Final = 60


class Handed(NamedTuple):
    """What a plugin is started with.

    Attributes:
        values: the operator's settings, secrets among them.
        secrets: the values that must not be shown.
        ignored: settings that this version does not know; they are kept, but not handed over.
    """

    values: dict[str, Any]
    secrets: tuple[Any, ...]
    ignored: tuple[str, ...]


def handed(manifest: Manifest, stored: Stored, *, folder: Path) -> Handed:
    """Return what a plugin gets of the operator's settings.

    Patterns are not tried again, as they were when a value was set: the plugin manager has no time for one that takes
    long.

    Args:
        manifest: of the installed plugin.
        stored: what the operator set.
        folder: the installed plugin's.

    Raises:
        PluginError: a value does not fit this version (MOP5403), or one is missing that it must have (MOP5405).
    """
    known = known_to(manifest, folder) if stored.all else {}
    settings = {name: value for name, value in stored.all.items() if name in known}
    wrong = [f"{name}: {why}" for name, value in settings.items() if (why := violation(value, known[name]))]
    if wrong:
        raise PluginError(
            f"the settings of {manifest.name!r} do not fit version {manifest.version}: {'; '.join(wrong)}",
            code=UNFIT,
            fix=f"mobileops config {manifest.name} --unset {wrong[0].partition(':')[0]}, or set another value",
        )
    if lacking := missing(manifest, stored, folder=folder):
        option = "--secret" if manifest.configuration_schema[lacking[0]].get("secret") else "--set"
        raise PluginError(
            f"{manifest.name!r} needs a value for {', '.join(lacking)}",
            code="MOP5405",
            why="its manifest defines it without a default, so the operator must give one",
            fix=f"mobileops config {manifest.name} {option} {lacking[0]}{'' if option == '--secret' else '=VALUE'}",
        )
    ignored = tuple(name for name in sorted(stored.all) if name not in known)
    return Handed(settings, secrets(manifest, stored), ignored)


def known_to(manifest: Manifest, folder: Path) -> dict[str, Mapping[str, Any]]:
    """Return setting name to definition.

    The keys of ``config/default.conf`` are settings too, of texts, unless the manifest defines what there is.
    """
    found = definitions(manifest.document)
    if manifest.configuration_schema:
        return found
    conf = in_default_conf(manifest, folder)
    return {name: {} if isinstance(value, dict) else {"type": "string"} for name, value in conf.items()} | found


def secrets(manifest: Manifest, stored: Stored) -> tuple[Any, ...]:
    """Return the values that must not be shown, wherever they are stored."""
    defined = (
        value for name, value in stored.values.items() if manifest.configuration_schema.get(name, {}).get("secret")
    )
    return (*stored.secrets.values(), *defined)


def missing(manifest: Manifest, stored: Stored, *, folder: Path) -> list[str]:
    """Return the settings that must be given and are not, by name."""
    given = stored.all.keys() | manifest.configuration.keys()
    defined = manifest.configuration_schema.items()
    lacking = sorted(name for name, one in defined if "default" not in one and name not in given)
    return [name for name in lacking if name not in in_default_conf(manifest, folder)] if lacking else []


def in_default_conf(manifest: Manifest, folder: Path) -> dict[str, Any]:
    """Return what the plugin's ``config/default.conf`` gives; nothing if the plugin could not read it either."""
    try:
        with (folder / DEFAULT_CONF).open(encoding="utf-8") as stream:
            return dict(defaults(stream.read(MAX_CONF_CHARACTERS), manifest.document)[1][1])
    except (OSError, ValueError):
        return {}


def check(manifest: Manifest, stored: Stored, *, folder: Path, names: frozenset[str]) -> None:
    """Refuse settings of which one does not fit; the whole is judged, and patterns of what was changed.

    Args:
        manifest: of the installed plugin.
        stored: all that would be set.
        folder: the installed plugin's.
        names: those that were changed.

    Raises:
        PluginError: MOP5403, with all that is wrong.
    """
    known = known_to(manifest, folder)
    wrong = [why for name, value in stored.all.items() if (why := _wrong(name, value, known, tried=name in names))]
    if not wrong:
        return
    raise PluginError(
        "; ".join(wrong),
        code=UNFIT,
        where=manifest.name,
        why="the manifest defines what a setting may be; nothing was changed",
        fix=f"mobileops config {manifest.name} shows what each one takes",
    )


def _wrong(name: str, value: Any, known: Mapping[str, Mapping[str, Any]], *, tried: bool) -> str | None:  # noqa: ANN401  any JSON value
    setting = known.get(name)
    if setting is None:  # of another version; it is shown, and ignored
        return None
    why = violation(value, setting)
    if why is None and tried and "pattern" in setting and not _matches(setting["pattern"], value):
        why = f"a text that contains the pattern {setting['pattern']} is needed"
    if why is None:
        return None
    return f"{name!r} cannot be {shown(value, setting)}: {why}"


def shown(value: Any, setting: Mapping[str, Any]) -> str:  # noqa: ANN401  any JSON value
    """Return a value for a message, short; not that of a secret."""
    if setting.get("secret"):
        return "that"
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def strongest(known: Mapping[str, Mapping[str, Any]], names: frozenset[str]) -> Apply | None:
    """Return how a change of these settings takes effect; None when none of them is known."""
    ways = {known[name].get("apply", "restart") for name in names if name in known}
    return next((way for way in reversed(APPLY) if way in ways), None)


def _matches(pattern: str, value: str) -> bool:
    with warnings.catch_warnings(action="ignore"):
        return re.search(pattern, value) is not None


def needs(setting: Mapping[str, Any]) -> str:
    """Return in words which values a setting takes."""
    return ", ".join(_rules(setting))


def _rules(setting: Mapping[str, Any]) -> Iterator[str]:
    yield str(setting.get("type", "any value"))
    if "enum" in setting:
        yield "one of " + ", ".join(map(str, setting["enum"]))
    low, high = setting.get("minimum"), setting.get("maximum")
    if low is not None and high is not None:
        yield f"{low} to {high}"
    elif low is not None:
        yield f"{low} or more"
    elif high is not None:
        yield f"{high} or less"
    if "pattern" in setting:
        yield f"like {setting['pattern']}"
    if setting.get("secret"):
        yield "secret"
