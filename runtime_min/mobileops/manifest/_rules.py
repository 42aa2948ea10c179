"""Rules between keys of a manifest, for what a schema cannot say and no file is needed.

Each rule names the top-level keys it reads and runs only if the schema found nothing wrong in them, so a rule may
trust their types. A rule yields problems; rules do not know each other.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mobileops.manifest._problems import Problem, escape
from mobileops.manifest.permissions import Permission, allows, covers, interpret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Document = Mapping[str, Any]


def _same_permission(document: Document) -> Iterator[Problem]:
    """Report address literals that are none, and two spellings of one permission."""
    first: dict[Permission, int] = {}
    for index, text in enumerate(document.get("permissions", ())):
        at = f"/permissions/{index}"
        permission = _parsed(text)
        if isinstance(permission, Problem):
            yield permission._replace(at=at)
        elif (other := first.setdefault(permission, index)) != index:
            yield Problem("MOP1206", at, f"{text!r} is the same as item {other}", "remove one of the two")


def _broad_permission(document: Document) -> Iterator[Problem]:
    """Warn of bare forms that grant a whole resource."""
    for index, permission in _permissions(document):
        if permission.is_broad:
            what = f"{str(permission)!r} grants more than most plugins need"
            yield Problem("MOP1210", f"/permissions/{index}", what, permission.narrower)


def _redundant_permission(document: Document) -> Iterator[Problem]:
    """Warn of permissions that another one of the list covers."""
    permissions = _permissions(document)
    for index, needed in permissions:
        for _, granted in permissions:
            if granted != needed and covers(granted, needed):
                what = f"{str(needed)!r} is already covered by {str(granted)!r}"
                yield Problem("MOP1211", f"/permissions/{index}", what, "remove the one that is not needed")
                break


def _reasons(document: Document) -> Iterator[Problem]:
    """Report reasons for permissions that are not asked for."""
    declared = set(document.get("permissions", ()))
    for text in document.get("permission_reasons", {}):
        if text not in declared:
            at = f"/permission_reasons/{escape(text)}"
            yield Problem("MOP1304", at, f"{text!r} is not in 'permissions'", "write it as it is there")


def _empty_ranges(document: Document) -> Iterator[Problem]:
    """Report ranges that no version can meet."""
    for section in ("compatibility", "plugin_dependencies"):
        for name, text in document.get(section, {}).items():
            if _is_empty(text):
                yield Problem("MOP1301", f"/{section}/{name}", f"no version is in {text!r}", "let the bounds overlap")


def _own_dependency(document: Document) -> Iterator[Problem]:
    """Report a plugin that needs itself."""
    name = document.get("name")
    if name in document.get("plugin_dependencies", {}):
        yield Problem("MOP1302", f"/plugin_dependencies/{name}", "the plugin depends on itself", "remove it")


def _same_dependency(document: Document) -> Iterator[Problem]:
    """Report a package named twice, unless environment markers (PEP 508) can keep the two apart."""
    first: dict[str, int] = {}
    for index, text in enumerate(document.get("dependencies", ())):
        if ";" not in text and (other := first.setdefault(_package(text), index)) != index:
            what = f"{text!r} is the same package as item {other}"
            yield Problem("MOP1303", f"/dependencies/{index}", what, "join the two")


def _definitions(document: Document) -> Iterator[Problem]:
    """Report settings whose definitions or defaults contradict themselves."""
    from mobileops.manifest import settings  # noqa: PLC0415 - most manifests have no definitions

    for name, setting in document.get("configuration_schema", {}).items():
        at = f"/configuration_schema/{name}"
        if found := settings.contradiction(setting):
            yield Problem("MOP1305", f"{at}/{found[0]}", found[1], "make the definition agree with itself")
        elif "default" in setting and (why := settings.violation(setting["default"], setting)):
            yield Problem("MOP1306", f"{at}/default", f"the default of {name!r} breaks its own rule: {why}")


def _values(document: Document) -> Iterator[Problem]:
    """Report values of ``configuration`` that their definitions refuse."""
    from mobileops.manifest import settings  # noqa: PLC0415 - most manifests have no definitions

    definitions = document.get("configuration_schema", {})
    for name, value in document.get("configuration", {}).items():
        setting = definitions.get(name)
        if setting is None or settings.contradiction(setting):
            continue
        at = f"/configuration/{name}"
        if why := settings.violation(value, setting):
            yield Problem("MOP1306", at, f"the value of {name!r} breaks its definition: {why}")
        if "default" in setting and setting["default"] != value:
            yield Problem(
                "MOP1307", at, f"{name!r} has another default in 'configuration_schema'", "keep one of the two"
            )


def _secrets(document: Document) -> Iterator[Problem]:
    """Report secrets that everyone who has the bundle could read."""
    for name, setting in document.get("configuration_schema", {}).items():
        if not setting.get("secret"):
            continue
        if "default" in setting:
            yield _published(f"/configuration_schema/{name}/default", name)
        if name in document.get("configuration", {}):
            yield _published(f"/configuration/{name}", name)


def _undefined_settings(document: Document) -> Iterator[Problem]:
    """Warn of defaults without a definition, where there are definitions."""
    definitions = document.get("configuration_schema", {})
    for name in document.get("configuration", {}):
        if definitions and name not in definitions:
            yield Problem("MOP1309", f"/configuration/{name}", f"{name!r} has no definition in 'configuration_schema'")


def _events(document: Document) -> Iterator[Problem]:
    """Report topics without the permission for them."""
    granted = [permission for _, permission in _permissions(document)]
    for section, verb in (("publishes", "publish"), ("subscribes", "subscribe")):
        for index, topic in enumerate(document.get("events", {}).get(section, ())):
            needed = Permission(f"events.{verb}", topic)
            if not allows(granted, needed):
                yield _unpermitted(f"/events/{section}/{index}", needed)


def _features(document: Document) -> Iterator[Problem]:
    """Report sections that do nothing without their permission."""
    granted = [permission for _, permission in _permissions(document)]
    for section, name in (("assets", "api.platform.assets"), ("ui", "ui.render")):
        needed = Permission(name)
        if document.get(section) and not allows(granted, needed):
            yield _unpermitted(f"/{section}", needed)


def _same_name(document: Document) -> Iterator[Problem]:
    """Report two panels, widgets or themes of one name."""
    for section, items in document.get("ui", {}).items():
        first: dict[str, int] = {}
        for index, item in enumerate(items):
            if (other := first.setdefault(item["name"], index)) != index:
                what = f"{item['name']!r} is already the name of item {other}"
                yield Problem("MOP1311", f"/ui/{section}/{index}/name", what, "give each its own name")


def _permissions(document: Document) -> list[tuple[int, Permission]]:
    """Return the permissions that parse, with their places."""
    parsed = enumerate(map(_parsed, document.get("permissions", ())))
    return [(index, permission) for index, permission in parsed if isinstance(permission, Permission)]


@functools.lru_cache(maxsize=256)
def _parsed(text: str) -> Permission | Problem:
    """Parse a permission once for all rules; an address literal may still be wrong."""
    permission = interpret(text)
    return permission if isinstance(permission, Permission) else permission[0]


def _is_empty(text: str) -> bool:
    """Tell whether the bounds of a range exclude each other; one comparison alone has nothing to exclude."""
    if "," not in text:
        return False
    from mobileops.manifest.versions import VersionRange  # noqa: PLC0415 - many manifests have no ranges

    return VersionRange.parse(text).is_empty()


def _package(requirement: str) -> str:
    """Return the normalised name of a requirement (PEP 503)."""
    end = next((i for i, char in enumerate(requirement) if not (char.isalnum() or char in "._-")), len(requirement))
    words = requirement[:end].lower().replace("_", "-").replace(".", "-").split("-")
    return "-".join(word for word in words if word)


def _published(at: str, name: str) -> Problem:
    """Return the problem of a secret inside the bundle."""
    return Problem("MOP1308", at, f"{name!r} is a secret and has a value here", "remove it: the operator sets secrets")


def _unpermitted(at: str, needed: Permission) -> Problem:
    """Return the problem of something declared that may not be done."""
    return Problem("MOP1310", at, f"this needs the permission {str(needed)!r}", f"add {str(needed)!r} to 'permissions'")


class Rule(NamedTuple):
    """A rule, the keys it reads, and how bad it is to break it."""

    run: Callable[[Document], Iterator[Problem]]
    keys: frozenset[str]
    severity: str = "error"


RULES: Final = (
    Rule(_same_permission, frozenset({"permissions"})),
    Rule(_broad_permission, frozenset({"permissions"}), "warning"),
    Rule(_redundant_permission, frozenset({"permissions"}), "warning"),
    Rule(_reasons, frozenset({"permissions", "permission_reasons"})),
    Rule(_empty_ranges, frozenset({"compatibility", "plugin_dependencies"})),
    Rule(_own_dependency, frozenset({"name", "plugin_dependencies"})),
    Rule(_same_dependency, frozenset({"dependencies"})),
    Rule(_definitions, frozenset({"configuration_schema"})),
    Rule(_values, frozenset({"configuration", "configuration_schema"})),
    Rule(_secrets, frozenset({"configuration", "configuration_schema"})),
    Rule(_undefined_settings, frozenset({"configuration", "configuration_schema"}), "warning"),
    Rule(_events, frozenset({"permissions", "events"})),
    Rule(_features, frozenset({"permissions", "assets", "ui"})),
    Rule(_same_name, frozenset({"ui"})),
)
