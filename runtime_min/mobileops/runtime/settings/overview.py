"""All settings of a plugin: what each is, where its value comes from, what it takes; without the values of secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mobileops.plugin.configuration import defaults
from mobileops.runtime.settings.judgement import in_default_conf, needs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mobileops.manifest import Manifest
    from mobileops.runtime.settings.files import Stored


class Setting(NamedTuple):
    """One setting.

    Attributes:
        name: as in the manifest.
        value: what the plugin gets; None for a secret and for one that has no value.
        origin: ``schema``, ``default.conf``, ``manifest``, ``operator``, or ``missing``.
        default: what it would be if the operator had not set it.
        needs: in words, which values it takes.
        apply: how a change takes effect.
        secret: whether its value is hidden.
        known: False for what only another version knows; it is kept, and not handed over.
        title: from the manifest.
        description: from the manifest.
    """

    name: str
    value: Any
    origin: str
    default: Any
    needs: str
    apply: str
    secret: bool
    known: bool
    title: str | None
    description: str | None

    @property
    def is_set(self) -> bool:
        """Whether it has a value, from wherever."""
        return self.origin != "missing"


def overview(manifest: Manifest, known: Mapping[str, Mapping[str, Any]], stored: Stored, folder: Path) -> list[Setting]:
    """Return every setting that there is, by name.

    Args:
        manifest: of the installed plugin.
        known: setting name to definition.
        stored: what the operator set.
        folder: the installed plugin's.
    """
    layers = [(origin, values) for origin, values in defaults(None, manifest.document) if origin != "default.conf"]
    layers.insert(1, ("default.conf", in_default_conf(manifest, folder)))
    found = []
    for name in sorted(known.keys() | stored.all.keys()):
        setting = known.get(name, {})
        origin, default = "missing", None
        for layer, values in layers:
            if name in values:
                origin, default = layer, values[name]
        secret = bool(setting.get("secret")) or name in stored.secrets
        value = default
        if name in stored.all:
            origin, value = "operator", stored.all[name]
        found.append(
            Setting(
                name=name,
                value=None if secret else value,
                origin=origin,
                default=None if secret else default,
                needs=needs(setting),
                apply=str(setting.get("apply", "restart")),
                secret=secret,
                known=name in known,
                title=setting.get("title"),
                description=setting.get("description"),
            )
        )
    return found
