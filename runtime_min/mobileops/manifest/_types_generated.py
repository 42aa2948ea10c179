"""Types of a plugin.json document: made by `python -m mobileops.toolchain.spec --write`, do not edit."""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypedDict

SCHEMA_SHA256: Final = "18f3c8a95042b7dd527bab086b390c2a784f20a721044bf22963e7b44e53a79c"


class Setting(TypedDict):
    """The object Setting of the schema."""

    type: Literal["string", "integer", "number", "boolean", "array", "object"]
    title: NotRequired[str]
    description: NotRequired[str]
    default: NotRequired[Any]
    enum: NotRequired[list[Any]]
    minimum: NotRequired[float]
    maximum: NotRequired[float]
    pattern: NotRequired[str]
    secret: NotRequired[bool]
    apply: NotRequired[Literal["live", "reload", "restart"]]


class PluginCompatibility(TypedDict):
    """The object PluginCompatibility of the schema."""

    platform_version: NotRequired[str]
    python_version: NotRequired[str]


class PluginHooks(TypedDict):
    """The object PluginHooks of the schema."""

    pre_start: NotRequired[str]
    post_start: NotRequired[str]
    pre_stop: NotRequired[str]
    post_stop: NotRequired[str]
    pre_upgrade: NotRequired[str]
    post_upgrade: NotRequired[str]


class PluginResources(TypedDict):
    """The object PluginResources of the schema."""

    memory: NotRequired[str]
    cpu: NotRequired[float]
    processes: NotRequired[int]
    open_files: NotRequired[int]
    file_size: NotRequired[str]
    start_timeout: NotRequired[float]
    stop_timeout: NotRequired[float]


class PluginMethods(TypedDict):
    """The object PluginMethods of the schema."""

    description: NotRequired[str]
    params: NotRequired[dict[str, Any]]
    returns: NotRequired[dict[str, Any]]
    timeout: NotRequired[float]


class PluginEvents(TypedDict):
    """The object PluginEvents of the schema."""

    publishes: NotRequired[list[str]]
    subscribes: NotRequired[list[str]]


class PluginHealth(TypedDict):
    """The object PluginHealth of the schema."""

    interval: NotRequired[float]
    timeout: NotRequired[float]
    failures: NotRequired[int]


class PluginAssets(TypedDict):
    """The object PluginAssets of the schema."""

    digest: str
    size: NotRequired[str]
    description: NotRequired[str]
    optional: NotRequired[bool]


class Panel(TypedDict):
    """The object Panel of the schema."""

    name: str
    title: str
    kind: NotRequired[Literal["declarative", "worker", "html"]]
    method: NotRequired[str]
    source: NotRequired[str]
    refresh: NotRequired[float]


class Theme(TypedDict):
    """The object Theme of the schema."""

    name: str
    title: str
    tokens: dict[str, str]


class PluginUi(TypedDict):
    """The object PluginUi of the schema."""

    panels: NotRequired[list[Panel]]
    widgets: NotRequired[list[Panel]]
    themes: NotRequired[list[Theme]]


PluginDocument = TypedDict(
    "PluginDocument",
    {
        "$schema": NotRequired[str],
        "manifest_version": NotRequired[Literal[1]],
        "name": str,
        "version": str,
        "display_name": NotRequired[str],
        "description": str,
        "author": str,
        "license": str,
        "homepage": NotRequired[str],
        "repository": NotRequired[str],
        "keywords": NotRequired[list[str]],
        "icon": NotRequired[str],
        "type": Literal["service", "processing", "ui", "integration"],
        "entry_point": str,
        "dependencies": NotRequired[list[str]],
        "plugin_dependencies": NotRequired[dict[str, str]],
        "permissions": NotRequired[list[str]],
        "permission_reasons": NotRequired[dict[str, str]],
        "configuration": NotRequired[dict[str, Any]],
        "configuration_schema": NotRequired[dict[str, Setting]],
        "compatibility": NotRequired[PluginCompatibility],
        "hooks": NotRequired[PluginHooks],
        "resources": NotRequired[PluginResources],
        "methods": NotRequired[dict[str, PluginMethods]],
        "events": NotRequired[PluginEvents],
        "health": NotRequired[PluginHealth],
        "assets": NotRequired[dict[str, PluginAssets]],
        "ui": NotRequired[PluginUi],
    },
)
