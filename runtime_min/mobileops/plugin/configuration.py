"""The effective configuration of a plugin: four layers, later ones win.

1. ``default`` of each definition in the manifest's ``configuration_schema``;
2. ``config/default.conf`` (INI): the ``[DEFAULT]`` and ``[plugin]`` sections give top-level keys, any other section a
mapping of that name;
3. ``configuration`` in the manifest;
4. the operator's settings, with the secrets among them.

INI values are text; one whose setting is defined is read as a value of that type.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TOP_LEVEL_SECTION: Final = "plugin"


def layered(default_conf: str | None, document: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the layers into a fresh mapping.

    Args:
        default_conf: text of ``config/default.conf``, or None.
        document: the manifest.
        settings: what the operator set.

    Raises:
        ValueError: the INI text cannot be parsed, or has a value that its definition refuses.
    """
    merged: dict[str, Any] = {}
    for _origin, values in defaults(default_conf, document):
        merged.update(copy.deepcopy(values))
    merged.update(copy.deepcopy(dict(settings)))
    return merged


def defaults(default_conf: str | None, document: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the layers below the operator's, each with its name, lowest first.

    Raises:
        ValueError: as of `layered`.
    """
    definitions = document.get("configuration_schema", {})
    return [
        ("schema", {name: one["default"] for name, one in definitions.items() if "default" in one}),
        ("default.conf", _typed(_ini_values(default_conf), definitions) if default_conf else {}),
        ("manifest", dict(document.get("configuration", {}))),
    ]


def _typed(values: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    from mobileops.manifest.settings import parse  # noqa: PLC0415  likewise

    for name in values.keys() & definitions.keys():
        if isinstance(values[name], str):
            try:
                values[name] = parse(values[name], definitions[name])
            except ValueError as error:
                message = f"config/default.conf: {name!r}: {error}"
                raise ValueError(message) from None
    return values


def _ini_values(text: str) -> dict[str, Any]:
    import configparser  # noqa: PLC0415  only plugins with an INI file pay for it

    parser = configparser.ConfigParser(interpolation=None, default_section="DEFAULT")
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as plugin.json: case-sensitive
    try:
        parser.read_string(text, source="config/default.conf")
    except configparser.Error as error:
        raise ValueError(str(error)) from error
    values: dict[str, Any] = dict(parser.defaults())
    for section in parser.sections():
        own = {key: value for key, value in parser.items(section) if key not in parser.defaults()}
        if section == TOP_LEVEL_SECTION:
            values.update(own)
        else:
            values[section] = own
    return values
