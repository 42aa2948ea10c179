"""The effective configuration of a plugin: three layers, later ones win.

1. ``config/default.conf`` (INI): the ``[DEFAULT]`` and ``[plugin]`` sections give top-level keys, any other section a
mapping of that name;
2. ``configuration`` in the manifest;
3. the operator's settings.

INI values are text and stay text; a typed default belongs into the manifest.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TOP_LEVEL_SECTION: Final = "plugin"


def layered(
    default_conf: str | None, manifest_values: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Merge the three layers into a fresh mapping.

    Args:
        default_conf: text of ``config/default.conf``, or None.
        manifest_values: the manifest's ``configuration``.
        settings: what the operator set.

    Raises:
        ValueError: the INI text cannot be parsed.
    """
    merged: dict[str, Any] = _ini_values(default_conf) if default_conf else {}
    merged.update(copy.deepcopy(dict(manifest_values)))
    merged.update(copy.deepcopy(dict(settings)))
    return merged


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
