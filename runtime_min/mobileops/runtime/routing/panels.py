"""What plugins show: the only way from a manifest's ``ui`` to whoever draws it, and it asks for ``ui.render`` first.

The content of a panel or widget comes from where its kind says: ``declarative`` from the plugin's method, ``html`` and
``worker`` from a file of the verified bundle, which whoever draws it has to confine. A theme is its tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from mobileops.errors import NotFoundError
from mobileops.manifest import Permission

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mobileops.manifest import Manifest
    from mobileops.runtime.instances.instance import Instance
    from mobileops.runtime.routing.calls import Calls

OPERATION: Final = "ui.render"
SOURCE_LIMIT_BYTES: Final = 4 << 20
_PERMISSION: Final = Permission("ui.render")
_DECLARATIVE: Final = "declarative"


class Panels:
    """Hands out what running plugins show.

    Args:
        running: returns a running plugin by its name; raises NotFoundError or PluginError.
        calls: calls their methods.
        installed: returns what an instance was started from: its manifest and the folder of its files.
    """

    def __init__(
        self,
        running: Callable[[str], Instance],
        calls: Calls,
        *,
        installed: Callable[[Instance], tuple[Manifest, Path]],
    ) -> None:
        self._running = running
        self._calls = calls
        self._installed = installed

    async def show(self, name: str, item: str, *, deadline_s: float) -> dict[str, Any]:
        """Return one panel, widget or theme with its content, ready to be drawn.

        Args:
            name: of the plugin.
            item: name of the panel, widget or theme in its manifest.
            deadline_s: how long its method may take.

        Raises:
            PermissionDenied: MOP4311, the plugin has no ``ui.render``; nothing of it was called or read.
            NotFoundError: MOP5021, it declares nothing of that name.
            MobileOpsError: its method could not be called, or failed.
        """
        instance = self._running(name)
        instance.decisions.require(_PERMISSION, operation=OPERATION, target=item)
        manifest, folder = self._installed(instance)
        section, declared = _declared(manifest, item)
        shown = {"plugin": name, "name": item, "section": section, "title": declared["title"]}
        if section == "themes":
            return {**shown, "kind": "theme", "content": declared["tokens"]}
        kind = declared.get("kind", _DECLARATIVE)
        shown |= {"kind": kind, "refresh": declared.get("refresh", 0)}
        if kind != _DECLARATIVE:
            return {**shown, "content": _source(folder / declared["source"])}
        body = {"args": [item], "kwargs": {}}
        answer = await self._calls.call(name, declared["method"], body=body, deadline_s=deadline_s)
        return {**shown, "content": msgspec.Raw(answer)}


def _declared(manifest: Manifest, item: str) -> tuple[str, dict[str, Any]]:
    sections = manifest.document.get("ui", {})
    for section, declared in sections.items():
        for one in declared:
            if one["name"] == item:
                return section, one
    names = [one["name"] for declared in sections.values() for one in declared]
    raise NotFoundError(
        f"{manifest.name!r} shows nothing that is called {item[:100]!r}",
        code="MOP5021",
        why=f"its manifest declares {', '.join(names) or 'no panel, widget or theme'}",
        fix="name one of those" if names else "declare it under 'ui' in plugin.json",
    )


def _source(path: Path) -> str:
    """Return the text of a script or page; the store's files were checked at the start."""
    with path.open(encoding="utf-8", errors="replace") as stream:
        return stream.read(SOURCE_LIMIT_BYTES)
