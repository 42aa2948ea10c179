"""Check a plugin.json document: made by `python -m mobileops.toolchain.spec --write`, do not edit."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mobileops.manifest._problems import (
    Problem,
    escape,
    missing,
    mistyped,
    repeated,
    shown,
    unknown_key,
    wrong_choice,
)

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

Rule: TypeAlias = "Callable[[Any, str, list[Problem]], None]"

SCHEMA_SHA256: Final = "18f3c8a95042b7dd527bab086b390c2a784f20a721044bf22963e7b44e53a79c"


_SENTENCES: Final = (
    ("MOP1107", "String is longer than the maximum length of 64"),
    (
        "MOP1105",
        'A plugin name has lower-case letters, digits and single hyphens, and starts with a letter, like "my-plugin"',
    ),
    ("MOP1107", "String is longer than the maximum length of 128"),
    ("MOP1105", 'Write a version with three numbers, like "1.0.0" or "1.0.0-rc.1" (SemVer 2.0.0)'),
    ("MOP1107", "String is longer than the maximum length of 256"),
    ("MOP1105", 'Write comparisons joined by commas, like ">=1.0.0,<2"'),
    ("MOP1106", "String is shorter than the minimum length of 1"),
    ("MOP1107", "String is longer than the maximum length of 200"),
    ("MOP1105", "This is one line of text, without control characters"),
    ("MOP1107", "String is longer than the maximum length of 1024"),
    ("MOP1105", "This is plain text, without control characters"),
    ("MOP1107", "String is longer than the maximum length of 512"),
    ("MOP1105", "Write a web address, starting with https:// or http://"),
    ("MOP1107", "String is longer than the maximum length of 255"),
    (
        "MOP1105",
        "Write a path relative to plugin.json with forward slashes and without '.' and '..', like \"hooks/pre_start.py\"",
    ),
    ("MOP1105", "This is a Python file: its name ends in .py"),
    ("MOP1105", 'Write a whole number with KiB, MiB or GiB, like "64MiB"'),
    ("MOP1105", "A method name has letters, digits and underscores, and starts with a letter"),
    ("MOP1105", "A setting's name has letters, digits, '_', '.' and '-', and starts with a letter"),
    ("MOP1105", "An asset's name has lower-case letters, digits, '.', '_' and '-', like \"model-weights\""),
    ("MOP1105", 'A topic has lower-case words joined by dots, like "device.connected"'),
    ("MOP1105", 'Write a topic like "device.connected", or "device.*" for all topics below device'),
    ("MOP1106", "Array has too few items. Expected 1 or more"),
    ("MOP1107", "Array has too many items. Expected 100 or fewer"),
    ("MOP1108", "Value is below the minimum of 0"),
    ("MOP1108", "Value is above the maximum of 86400"),
    ("MOP1106", "Object has fewer properties than the required number of 1"),
    ("MOP1107", "Object has more properties than limit of 100"),
    ("MOP1105", 'Write a colour like "#1a2b3c" or a length like "12px"'),
    ("MOP1201", "Unknown permission; the families are api, events, filesystem, network, plugin, system and ui"),
    ("MOP1203", "'api.platform' takes no value; write \"api.platform\""),
    ("MOP1203", "'api.platform.ai' takes no value; write \"api.platform.ai\""),
    ("MOP1203", "'api.platform.assets' takes no value; write \"api.platform.assets\""),
    ("MOP1203", "'api.platform.network' takes no value; write \"api.platform.network\""),
    ("MOP1203", "'api.platform.devices' takes no value; write \"api.platform.devices\""),
    ("MOP1202", "'events.publish' needs a value, like \"events.publish:sensor.reading\""),
    ("MOP1204", "'events.publish:' needs a topic like device.connected, or device.* for all topics below device"),
    ("MOP1202", "'events.subscribe' needs a value, like \"events.subscribe:device.connected\""),
    ("MOP1204", "'events.subscribe:' needs a topic like device.connected, or device.* for all topics below device"),
    (
        "MOP1204",
        "'filesystem.read:' needs an absolute path without '.', '..', '//' or wildcards, like /data/models; it includes all that is beneath it",
    ),
    (
        "MOP1204",
        "'filesystem.write:' needs an absolute path without '.', '..', '//' or wildcards, like /data/models; it includes all that is beneath it",
    ),
    ("MOP1203", "'network' takes no value; write \"network\""),
    (
        "MOP1204",
        "'network.http:' needs a host like api.example.com, *.example.com, 192.0.2.7 or [2001:db8::7], in lower case",
    ),
    ("MOP1202", "'network.tcp' needs a value, like \"network.tcp:8080\""),
    ("MOP1204", "'network.tcp:' needs a port from 1 to 65535, or a host and a port, like db.example.com:5432"),
    ("MOP1202", "'network.udp' needs a value, like \"network.udp:ntp.example.com:123\""),
    ("MOP1204", "'network.udp:' needs a host and a port from 1 to 65535, like ntp.example.com:123"),
    ("MOP1202", "'network.listen' needs a value, like \"network.listen:8080\""),
    ("MOP1204", "'network.listen:' needs a port from 1 to 65535"),
    ("MOP1204", "'plugin.communicate:' needs the name of one plugin, like data-processor"),
    ("MOP1204", "'system.environment:' needs the name of one environment variable, like LANG"),
    ("MOP1203", "'system.process' takes no value; write \"system.process\""),
    ("MOP1203", "'ui.render' takes no value; write \"ui.render\""),
    ("MOP1105", "Write the address of a schema, starting with https://"),
    ("MOP1120", "This platform reads manifest version 1. A newer manifest needs a newer platform"),
    ("MOP1105", 'Write an SPDX licence expression, like "MIT" or "Apache-2.0 OR MIT"'),
    ("MOP1107", "Array has too many items. Expected 20 or fewer"),
    ("MOP1107", "String is longer than the maximum length of 40"),
    ("MOP1105", "A keyword has lower-case letters, digits, spaces and hyphens"),
    ("MOP1105", "An icon is a .png or .svg file"),
    ("MOP1107", "Array has too many items. Expected 200 or fewer"),
    ("MOP1105", 'Write a requirement like "requests", "numpy>=2,<3" or "httpx[http2]"'),
    ("MOP1107", "Object has more properties than limit of 200"),
    ("MOP1108", "Value is below the minimum of 0.01"),
    ("MOP1108", "Value is above the maximum of 256"),
    ("MOP1108", "Value is below the minimum of 1"),
    ("MOP1108", "Value is above the maximum of 4096"),
    ("MOP1108", "Value is below the minimum of 16"),
    ("MOP1108", "Value is above the maximum of 65536"),
    ("MOP1108", "Value is below the minimum of 0.1"),
    ("MOP1108", "Value is above the maximum of 600"),
    ("MOP1108", "Value is below the minimum of 0.001"),
    ("MOP1108", "Value is above the maximum of 3600"),
    ("MOP1108", "Value is above the maximum of 100"),
    ("MOP1105", "Write sha256: and 64 lower-case hexadecimal digits"),
    ("MOP1107", "Array has too many items. Expected 50 or fewer"),
)


_CHOICES: Final = (
    (
        "Setting types are string, integer, number, boolean, array and object",
        ("string", "integer", "number", "boolean", "array", "object"),
    ),
    ("A change applies live, on reload or on restart", ("live", "reload", "restart")),
    ("Panel kinds are declarative, worker and html", ("declarative", "worker", "html")),
    ("Plugin types are service, processing, ui and integration", ("service", "processing", "ui", "integration")),
)


_PATTERNS: Final = (
    "^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$(?!\\n)",
    "^(?:0|[1-9][0-9]{0,8})\\.(?:0|[1-9][0-9]{0,8})\\.(?:0|[1-9][0-9]{0,8})(?:-(?:0|[1-9][0-9]{0,8}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\\.(?:0|[1-9][0-9]{0,8}|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$(?!\\n)",
    "^ *(?:>=|<=|==|!=|~=(?= *[0-9]+\\.)|>|<) *(?:0|[1-9][0-9]{0,8})(?:\\.(?:0|[1-9][0-9]{0,8})(?:\\.(?:0|[1-9][0-9]{0,8})(?:-(?:0|[1-9][0-9]{0,8}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\\.(?:0|[1-9][0-9]{0,8}|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?)?)? *(?:, *(?:>=|<=|==|!=|~=(?= *[0-9]+\\.)|>|<) *(?:0|[1-9][0-9]{0,8})(?:\\.(?:0|[1-9][0-9]{0,8})(?:\\.(?:0|[1-9][0-9]{0,8})(?:-(?:0|[1-9][0-9]{0,8}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\\.(?:0|[1-9][0-9]{0,8}|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?)?)? *)*$(?!\\n)",
    "^[^\\x00-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069]*$(?!\\n)",
    "^[^\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]*$(?!\\n)",
    "^https?://[^ \\x00-\\x1f\\x7f]+$(?!\\n)",
    "^(?!\\.{1,2}(?:/|$(?!\\n)))[^/\\\\\\x00-\\x1f\\x7f:]+(?:/(?!\\.{1,2}(?:/|$(?!\\n)))[^/\\\\\\x00-\\x1f\\x7f:]+)*$(?!\\n)",
    "\\.py$(?!\\n)",
    "^[1-9][0-9]{0,6}(?:KiB|MiB|GiB)$(?!\\n)",
    "^[a-zA-Z][a-zA-Z0-9_]*$(?!\\n)",
    "^[A-Za-z][A-Za-z0-9_.-]*$(?!\\n)",
    "^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$(?!\\n)",
    "^[a-z0-9][a-z0-9_-]{0,63}(?:\\.[a-z0-9][a-z0-9_-]{0,63})*$(?!\\n)",
    "^(?:\\*|[a-z0-9][a-z0-9_-]{0,63}(?:\\.[a-z0-9][a-z0-9_-]{0,63})*(?:\\.\\*)?)$(?!\\n)",
    "^(?:#[0-9a-f]{6}|[0-9]{1,4}(?:\\.[0-9]{1,2})?(?:px|rem|em))$(?!\\n)",
    "^(?:api\\.platform|api\\.platform\\.ai|api\\.platform\\.assets|api\\.platform\\.network|api\\.platform\\.devices|events\\.publish|events\\.subscribe|filesystem\\.read|filesystem\\.write|network|network\\.http|network\\.tcp|network\\.udp|network\\.listen|plugin\\.communicate|system\\.environment|system\\.process|ui\\.render)(?::|$(?!\\n))",
    "(?!)",
    "^events\\.publish:(?:(?:\\*|[a-z0-9][a-z0-9_-]{0,63}(?:\\.[a-z0-9][a-z0-9_-]{0,63})*(?:\\.\\*)?))$(?!\\n)",
    "^events\\.subscribe:(?:(?:\\*|[a-z0-9][a-z0-9_-]{0,63}(?:\\.[a-z0-9][a-z0-9_-]{0,63})*(?:\\.\\*)?))$(?!\\n)",
    "^filesystem\\.read:(?:/(?:(?!\\.{1,2}(?:/|$(?!\\n)))[!-)+-.0->@-\\[\\]-~]+(?: +[!-)+-.0->@-\\[\\]-~]+)*(?:/(?!\\.{1,2}(?:/|$(?!\\n)))[!-)+-.0->@-\\[\\]-~]+(?: +[!-)+-.0->@-\\[\\]-~]+)*)*/?)?)$(?!\\n)",
    "^filesystem\\.write:(?:/(?:(?!\\.{1,2}(?:/|$(?!\\n)))[!-)+-.0->@-\\[\\]-~]+(?: +[!-)+-.0->@-\\[\\]-~]+)*(?:/(?!\\.{1,2}(?:/|$(?!\\n)))[!-)+-.0->@-\\[\\]-~]+(?: +[!-)+-.0->@-\\[\\]-~]+)*)*/?)?)$(?!\\n)",
    "^network\\.http:(?:(?:\\*\\.(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?|(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?|(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}|\\[[0-9A-Fa-f:.]{2,45}\\]))$(?!\\n)",
    "^network\\.tcp:(?:(?:(?:\\*\\.(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?|(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?|(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}|\\[[0-9A-Fa-f:.]{2,45}\\]):)?(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3}))$(?!\\n)",
    "^network\\.udp:(?:(?:\\*\\.(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?|(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?|(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}|\\[[0-9A-Fa-f:.]{2,45}\\]):(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3}))$(?!\\n)",
    "^network\\.listen:(?:(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3}))$(?!\\n)",
    "^plugin\\.communicate:(?:[a-z][a-z0-9]*(?:-[a-z0-9]+)*)$(?!\\n)",
    "^system\\.environment:(?:[A-Za-z_][A-Za-z0-9_]{0,127})$(?!\\n)",
    "^https?://[^ ]+$(?!\\n)",
    "^[A-Za-z0-9(][A-Za-z0-9.+() :-]*$(?!\\n)",
    "^[a-z0-9][a-z0-9 -]*$(?!\\n)",
    "\\.(?:png|svg)$(?!\\n)",
    "^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?: *\\[[A-Za-z0-9 ,._-]*\\])? *(?:[(<>=!~;@][^\\n\\r\\x00]*)?$(?!\\n)",
    "^sha256:[0-9a-f]{64}$(?!\\n)",
)


PERMISSIONS: Final[dict[str, tuple[str, str, str | None]]] = {
    "api.platform": ("medium", "Use every part of the platform API", None),
    "api.platform.ai": ("low", "Run inference with the AI Core", None),
    "api.platform.assets": ("low", "Read assets of the Asset Manager, such as model weights", None),
    "api.platform.network": ("low", "See the device's network status", None),
    "api.platform.devices": ("medium", "List devices and use those the platform offers", None),
    "events.publish": ("medium", "Publish events on a topic", None),
    "events.subscribe": ("low", "Receive the events of a topic", None),
    "filesystem.read": (
        "high",
        "Read files, everywhere or beneath one path",
        'name a path instead, like "filesystem.read:/data"',
    ),
    "filesystem.write": (
        "high",
        "Create, change and delete files, everywhere or beneath one path",
        'name a path instead, like "filesystem.write:/data"',
    ),
    "network": (
        "high",
        "Connect to any public host and port over TCP",
        'name what is needed instead, like "network.http:api.example.com"',
    ),
    "network.http": ("medium", "Connect to TCP ports 80 and 443, of every public host or of the one named", None),
    "network.tcp": ("medium", "Connect to one TCP port, of every public host or of the one named", None),
    "network.udp": ("medium", "Exchange UDP datagrams with one host and port", None),
    "network.listen": ("high", "Accept TCP connections on one port of the device", None),
    "plugin.communicate": ("medium", "Send messages to other plugins, all or the one named", None),
    "system.environment": ("medium", "Read the platform's environment variables, all or the one named", None),
    "system.process": ("high", "Start other programs", None),
    "ui.render": ("medium", "Show panels, widgets and themes in the platform's user interface", None),
}


DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "resources": {
        "memory": "256MiB",
        "cpu": 1,
        "processes": 64,
        "open_files": 256,
        "file_size": "1GiB",
        "start_timeout": 30,
        "stop_timeout": 10,
    },
    "events": {"publishes": [], "subscribes": []},
    "health": {"interval": 10, "timeout": 2, "failures": 3},
    "ui": {"panels": [], "widgets": [], "themes": []},
}


def validate(document: object) -> list[Problem]:
    """Return every problem of a document; the JSON pointers are relative to it."""
    problems: list[Problem] = []
    _document(document, "", problems)
    return problems


def permission_problems(text: object) -> list[Problem]:
    """Return every problem of one permission string."""
    problems: list[Problem] = []
    _def_permission(text, "", problems)
    return problems


@functools.cache
def _pattern(index: int) -> re.Pattern[str]:
    """Compile a pattern on first use: most manifests need few of them."""
    import re  # noqa: PLC0415 - a manifest that needs no pattern does not pay for it

    return re.compile(_PATTERNS[index])


def _found(index: int, text: str) -> bool:
    """Tell whether a pattern is found in a text."""
    return _pattern(index).search(text) is not None


def _problem(index: int, at: str, v: Any) -> Problem:
    """Return a problem whose words do not depend on the value."""
    code, what = _SENTENCES[index]
    return Problem(code, at, what, None, shown(v))


def _anything(v: Any, at: str, out: list[Problem]) -> None:
    """Accept every value."""


def _def_plugin_name(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/plugin_name."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) > 64:
        out.append(_problem(0, at, v))
    elif not _found(0, v):
        out.append(_problem(1, at, v))


def _def_version(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/version."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) > 128:
        out.append(_problem(2, at, v))
    elif not _found(1, v):
        out.append(_problem(3, at, v))


def _def_version_range(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/version_range."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) > 256:
        out.append(_problem(4, at, v))
    elif not _found(2, v):
        out.append(_problem(5, at, v))


def _def_line(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/line."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) < 1:
        out.append(_problem(6, at, v))
    elif len(v) > 200:
        out.append(_problem(7, at, v))
    elif not _found(3, v):
        out.append(_problem(8, at, v))


def _def_text(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/text."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) < 1:
        out.append(_problem(6, at, v))
    elif len(v) > 1024:
        out.append(_problem(9, at, v))
    elif not _found(4, v):
        out.append(_problem(10, at, v))


def _def_web_address(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/web_address."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) > 512:
        out.append(_problem(11, at, v))
    elif not _found(5, v):
        out.append(_problem(12, at, v))


def _def_file_path(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/file_path."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) > 255:
        out.append(_problem(13, at, v))
    elif not _found(6, v):
        out.append(_problem(14, at, v))


def _def_python_path(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/python_path."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    _def_file_path(v, at, out)
    if not _found(7, v):
        out.append(_problem(15, at, v))


def _def_size(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/size."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if not _found(8, v):
        out.append(_problem(16, at, v))


def _def_identifier(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/identifier."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) > 64:
        out.append(_problem(0, at, v))
    elif not _found(9, v):
        out.append(_problem(17, at, v))


def _def_setting_name(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/setting_name."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) > 64:
        out.append(_problem(0, at, v))
    elif not _found(10, v):
        out.append(_problem(18, at, v))


def _def_asset_name(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/asset_name."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) > 64:
        out.append(_problem(0, at, v))
    elif not _found(11, v):
        out.append(_problem(19, at, v))


def _def_topic(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/topic."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) > 256:
        out.append(_problem(4, at, v))
    elif not _found(12, v):
        out.append(_problem(20, at, v))


def _def_topic_pattern(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/topic_pattern."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) > 256:
        out.append(_problem(4, at, v))
    elif not _found(13, v):
        out.append(_problem(21, at, v))


def _def_setting(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/setting."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    if "type" not in v:
        out.append(missing("type", at))
    for key, item in v.items():
        rule = _DEF_SETTING_KEYS.get(key)
        if rule is not None:
            rule(item, f"{at}/{key}", out)
        else:
            out.append(unknown_key(key, at, _DEF_SETTING_KEYS, earlier=len(out)))


def _def_setting_type(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/setting/allOf/0/properties/type."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, "Setting types are string, integer, number, boolean, array and object"))
        return
    if v not in _CHOICES[0][1]:
        out.append(wrong_choice(v, at, *_CHOICES[0]))


def _def_setting_enum(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/setting/allOf/0/properties/enum."""
    if not isinstance(v, list):
        out.append(mistyped(v, at, 'Incorrect type. Expected "array"'))
        return
    if len(v) < 1:
        out.append(_problem(22, at, v))
    if len(v) > 100:
        out.append(_problem(23, at, v))


def _def_setting_minimum(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/setting/allOf/0/properties/minimum."""
    if not (isinstance(v, int | float) and not isinstance(v, bool)):
        out.append(mistyped(v, at, 'Incorrect type. Expected "number"'))
        return


def _def_setting_maximum(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/setting/allOf/0/properties/maximum."""
    if not (isinstance(v, int | float) and not isinstance(v, bool)):
        out.append(mistyped(v, at, 'Incorrect type. Expected "number"'))
        return


def _def_setting_pattern(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/setting/allOf/0/properties/pattern."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) > 256:
        out.append(_problem(4, at, v))


def _def_setting_secret(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/setting/allOf/0/properties/secret."""
    if not isinstance(v, bool):
        out.append(mistyped(v, at, 'Incorrect type. Expected "boolean"'))
        return


def _def_setting_apply(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/setting/allOf/0/properties/apply."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, "A change applies live, on reload or on restart"))
        return
    if v not in _CHOICES[1][1]:
        out.append(wrong_choice(v, at, *_CHOICES[1]))


def _def_panel(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/panel."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    if "name" not in v:
        out.append(missing("name", at))
    if "title" not in v:
        out.append(missing("title", at))
    for key, item in v.items():
        rule = _DEF_PANEL_KEYS.get(key)
        if rule is not None:
            rule(item, f"{at}/{key}", out)
        else:
            out.append(unknown_key(key, at, _DEF_PANEL_KEYS, earlier=len(out)))
    if v.get("kind") in ("worker", "html"):
        if "source" not in v:
            out.append(missing("source", at))
    else:
        if "method" not in v:
            out.append(missing("method", at))


def _def_panel_kind(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/panel/allOf/0/properties/kind."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, "Panel kinds are declarative, worker and html"))
        return
    if v not in _CHOICES[2][1]:
        out.append(wrong_choice(v, at, *_CHOICES[2]))


def _def_panel_refresh(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/panel/allOf/0/properties/refresh."""
    if not (isinstance(v, int | float) and not isinstance(v, bool)):
        out.append(mistyped(v, at, 'Incorrect type. Expected "number"'))
        return
    if v < 0:
        out.append(_problem(24, at, v))
    if v > 86400:
        out.append(_problem(25, at, v))


def _def_theme(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/theme."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    if "name" not in v:
        out.append(missing("name", at))
    if "title" not in v:
        out.append(missing("title", at))
    if "tokens" not in v:
        out.append(missing("tokens", at))
    for key, item in v.items():
        rule = _DEF_THEME_KEYS.get(key)
        if rule is not None:
            rule(item, f"{at}/{key}", out)
        else:
            out.append(unknown_key(key, at, _DEF_THEME_KEYS, earlier=len(out)))


def _def_theme_tokens(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/theme/allOf/0/properties/tokens."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    if len(v) < 1:
        out.append(_problem(26, at, v))
    if len(v) > 100:
        out.append(_problem(27, at, v))
    for key, item in v.items():
        _def_asset_name(key, f"{at}/{escape(key)}", out)
        _def_theme_tokens_value(item, f"{at}/{escape(key)}", out)


def _def_theme_tokens_value(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/theme/allOf/0/properties/tokens/additionalProperties."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if not _found(14, v):
        out.append(_problem(28, at, v))


def _def_permission(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/$defs/permission."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) > 1024:
        out.append(_problem(9, at, v))
    if not _found(15, v):
        out.append(_problem(29, at, v))
    if v.startswith("api.platform:"):
        out.append(_problem(30, at, v))
    if v.startswith("api.platform.ai:"):
        out.append(_problem(31, at, v))
    if v.startswith("api.platform.assets:"):
        out.append(_problem(32, at, v))
    if v.startswith("api.platform.network:"):
        out.append(_problem(33, at, v))
    if v.startswith("api.platform.devices:"):
        out.append(_problem(34, at, v))
    if v in ("events.publish", "events.publish:"):
        out.append(_problem(35, at, v))
    if v.startswith("events.publish:") and v != "events.publish:" and not _found(17, v):
        out.append(_problem(36, at, v))
    if v in ("events.subscribe", "events.subscribe:"):
        out.append(_problem(37, at, v))
    if v.startswith("events.subscribe:") and v != "events.subscribe:" and not _found(18, v):
        out.append(_problem(38, at, v))
    if v.startswith("filesystem.read:") and not _found(19, v):
        out.append(_problem(39, at, v))
    if v.startswith("filesystem.write:") and not _found(20, v):
        out.append(_problem(40, at, v))
    if v.startswith("network:"):
        out.append(_problem(41, at, v))
    if v.startswith("network.http:") and not _found(21, v):
        out.append(_problem(42, at, v))
    if v in ("network.tcp", "network.tcp:"):
        out.append(_problem(43, at, v))
    if v.startswith("network.tcp:") and v != "network.tcp:" and not _found(22, v):
        out.append(_problem(44, at, v))
    if v in ("network.udp", "network.udp:"):
        out.append(_problem(45, at, v))
    if v.startswith("network.udp:") and v != "network.udp:" and not _found(23, v):
        out.append(_problem(46, at, v))
    if v in ("network.listen", "network.listen:"):
        out.append(_problem(47, at, v))
    if v.startswith("network.listen:") and v != "network.listen:" and not _found(24, v):
        out.append(_problem(48, at, v))
    if v.startswith("plugin.communicate:") and not _found(25, v):
        out.append(_problem(49, at, v))
    if v.startswith("system.environment:") and not _found(26, v):
        out.append(_problem(50, at, v))
    if v.startswith("system.process:"):
        out.append(_problem(51, at, v))
    if v.startswith("ui.render:"):
        out.append(_problem(52, at, v))


def _document(v: Any, at: str, out: list[Problem]) -> None:
    """Check #."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    if "name" not in v:
        out.append(missing("name", at))
    if "version" not in v:
        out.append(missing("version", at))
    if "description" not in v:
        out.append(missing("description", at))
    if "author" not in v:
        out.append(missing("author", at))
    if "license" not in v:
        out.append(missing("license", at))
    if "type" not in v:
        out.append(missing("type", at))
    if "entry_point" not in v:
        out.append(missing("entry_point", at))
    for key, item in v.items():
        rule = _DOCUMENT_KEYS.get(key)
        if rule is not None:
            rule(item, f"{at}/{key}", out)
        elif not str(key).startswith("x-"):
            out.append(unknown_key(key, at, _DOCUMENT_KEYS, earlier=len(out)))
    if v.get("type") == "ui" and "ui" not in v:
        out.append(missing("ui", at))


def _document_schema(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/$schema."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) > 512:
        out.append(_problem(11, at, v))
    elif not _found(27, v):
        out.append(_problem(53, at, v))


def _document_manifest_version(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/manifest_version."""
    if not (isinstance(v, int | float) and not isinstance(v, bool) and v == v // 1):
        out.append(mistyped(v, at, "This platform reads manifest version 1. A newer manifest needs a newer platform"))
        return
    if v != 1:
        out.append(_problem(54, at, v))


def _document_license(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/license."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) > 256:
        out.append(_problem(4, at, v))
    elif not _found(28, v):
        out.append(_problem(55, at, v))


def _document_keywords(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/keywords."""
    if not isinstance(v, list):
        out.append(mistyped(v, at, 'Incorrect type. Expected "array"'))
        return
    if len(v) > 20:
        out.append(_problem(56, at, v))
    out.extend(repeated(v, at))
    for index, item in enumerate(v):
        _document_keywords_item(item, f"{at}/{index}", out)


def _document_keywords_item(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/keywords/items."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) > 40:
        out.append(_problem(57, at, v))
    elif not _found(29, v):
        out.append(_problem(58, at, v))


def _document_icon(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/icon."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    _def_file_path(v, at, out)
    if not _found(30, v):
        out.append(_problem(59, at, v))


def _document_type(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/type."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, "Plugin types are service, processing, ui and integration"))
        return
    if v not in _CHOICES[3][1]:
        out.append(wrong_choice(v, at, *_CHOICES[3]))


def _document_dependencies(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/dependencies."""
    if not isinstance(v, list):
        out.append(mistyped(v, at, 'Incorrect type. Expected "array"'))
        return
    if len(v) > 200:
        out.append(_problem(60, at, v))
    out.extend(repeated(v, at))
    for index, item in enumerate(v):
        _document_dependencies_item(item, f"{at}/{index}", out)


def _document_dependencies_item(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/dependencies/items."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if len(v) > 512:
        out.append(_problem(11, at, v))
    elif not _found(31, v):
        out.append(_problem(61, at, v))


def _document_plugin_dependencies(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/plugin_dependencies."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    if len(v) > 100:
        out.append(_problem(27, at, v))
    for key, item in v.items():
        _def_plugin_name(key, f"{at}/{escape(key)}", out)
        _def_version_range(item, f"{at}/{escape(key)}", out)


def _document_permissions(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/permissions."""
    if not isinstance(v, list):
        out.append(mistyped(v, at, 'Incorrect type. Expected "array"'))
        return
    if len(v) > 100:
        out.append(_problem(23, at, v))
    out.extend(repeated(v, at))
    for index, item in enumerate(v):
        _def_permission(item, f"{at}/{index}", out)


def _document_permission_reasons(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/permission_reasons."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    if len(v) > 100:
        out.append(_problem(27, at, v))
    for key, item in v.items():
        _def_text(item, f"{at}/{escape(key)}", out)


def _document_configuration(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/configuration."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    if len(v) > 200:
        out.append(_problem(62, at, v))
    for key in v:
        _def_setting_name(key, f"{at}/{escape(key)}", out)


def _document_configuration_schema(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/configuration_schema."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    if len(v) > 200:
        out.append(_problem(62, at, v))
    for key, item in v.items():
        _def_setting_name(key, f"{at}/{escape(key)}", out)
        _def_setting(item, f"{at}/{escape(key)}", out)


def _document_compatibility(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/compatibility."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    for key, item in v.items():
        rule = _DOCUMENT_COMPATIBILITY_KEYS.get(key)
        if rule is not None:
            rule(item, f"{at}/{key}", out)
        else:
            out.append(unknown_key(key, at, _DOCUMENT_COMPATIBILITY_KEYS, earlier=len(out)))


def _document_hooks(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/hooks."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    for key, item in v.items():
        rule = _DOCUMENT_HOOKS_KEYS.get(key)
        if rule is not None:
            rule(item, f"{at}/{key}", out)
        else:
            out.append(unknown_key(key, at, _DOCUMENT_HOOKS_KEYS, earlier=len(out)))


def _document_resources(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/resources."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    for key, item in v.items():
        rule = _DOCUMENT_RESOURCES_KEYS.get(key)
        if rule is not None:
            rule(item, f"{at}/{key}", out)
        else:
            out.append(unknown_key(key, at, _DOCUMENT_RESOURCES_KEYS, earlier=len(out)))


def _document_resources_cpu(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/resources/properties/cpu."""
    if not (isinstance(v, int | float) and not isinstance(v, bool)):
        out.append(mistyped(v, at, 'Incorrect type. Expected "number"'))
        return
    if v < 0.01:
        out.append(_problem(63, at, v))
    if v > 256:
        out.append(_problem(64, at, v))


def _document_resources_processes(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/resources/properties/processes."""
    if not (isinstance(v, int | float) and not isinstance(v, bool) and v == v // 1):
        out.append(mistyped(v, at, 'Incorrect type. Expected "integer"'))
        return
    if v < 1:
        out.append(_problem(65, at, v))
    if v > 4096:
        out.append(_problem(66, at, v))


def _document_resources_open_files(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/resources/properties/open_files."""
    if not (isinstance(v, int | float) and not isinstance(v, bool) and v == v // 1):
        out.append(mistyped(v, at, 'Incorrect type. Expected "integer"'))
        return
    if v < 16:
        out.append(_problem(67, at, v))
    if v > 65536:
        out.append(_problem(68, at, v))


def _document_resources_start_timeout(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/resources/properties/start_timeout."""
    if not (isinstance(v, int | float) and not isinstance(v, bool)):
        out.append(mistyped(v, at, 'Incorrect type. Expected "number"'))
        return
    if v < 0.1:
        out.append(_problem(69, at, v))
    if v > 600:
        out.append(_problem(70, at, v))


def _document_resources_stop_timeout(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/resources/properties/stop_timeout."""
    if not (isinstance(v, int | float) and not isinstance(v, bool)):
        out.append(mistyped(v, at, 'Incorrect type. Expected "number"'))
        return
    if v < 0.1:
        out.append(_problem(69, at, v))
    if v > 600:
        out.append(_problem(70, at, v))


def _document_methods(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/methods."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    if len(v) > 200:
        out.append(_problem(62, at, v))
    for key, item in v.items():
        _def_identifier(key, f"{at}/{escape(key)}", out)
        _document_methods_value(item, f"{at}/{escape(key)}", out)


def _document_methods_value(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/methods/additionalProperties."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    for key, item in v.items():
        rule = _DOCUMENT_METHODS_VALUE_KEYS.get(key)
        if rule is not None:
            rule(item, f"{at}/{key}", out)
        else:
            out.append(unknown_key(key, at, _DOCUMENT_METHODS_VALUE_KEYS, earlier=len(out)))


def _document_methods_value_params(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/methods/additionalProperties/properties/params."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return


def _document_methods_value_returns(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/methods/additionalProperties/properties/returns."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return


def _document_methods_value_timeout(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/methods/additionalProperties/properties/timeout."""
    if not (isinstance(v, int | float) and not isinstance(v, bool)):
        out.append(mistyped(v, at, 'Incorrect type. Expected "number"'))
        return
    if v < 0.001:
        out.append(_problem(71, at, v))
    if v > 3600:
        out.append(_problem(72, at, v))


def _document_events(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/events."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    for key, item in v.items():
        rule = _DOCUMENT_EVENTS_KEYS.get(key)
        if rule is not None:
            rule(item, f"{at}/{key}", out)
        else:
            out.append(unknown_key(key, at, _DOCUMENT_EVENTS_KEYS, earlier=len(out)))


def _document_events_publishes(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/events/properties/publishes."""
    if not isinstance(v, list):
        out.append(mistyped(v, at, 'Incorrect type. Expected "array"'))
        return
    if len(v) > 100:
        out.append(_problem(23, at, v))
    out.extend(repeated(v, at))
    for index, item in enumerate(v):
        _def_topic(item, f"{at}/{index}", out)


def _document_events_subscribes(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/events/properties/subscribes."""
    if not isinstance(v, list):
        out.append(mistyped(v, at, 'Incorrect type. Expected "array"'))
        return
    if len(v) > 100:
        out.append(_problem(23, at, v))
    out.extend(repeated(v, at))
    for index, item in enumerate(v):
        _def_topic_pattern(item, f"{at}/{index}", out)


def _document_health(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/health."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    for key, item in v.items():
        rule = _DOCUMENT_HEALTH_KEYS.get(key)
        if rule is not None:
            rule(item, f"{at}/{key}", out)
        else:
            out.append(unknown_key(key, at, _DOCUMENT_HEALTH_KEYS, earlier=len(out)))


def _document_health_interval(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/health/properties/interval."""
    if not (isinstance(v, int | float) and not isinstance(v, bool)):
        out.append(mistyped(v, at, 'Incorrect type. Expected "number"'))
        return
    if v < 0.1:
        out.append(_problem(69, at, v))
    if v > 3600:
        out.append(_problem(72, at, v))


def _document_health_timeout(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/health/properties/timeout."""
    if not (isinstance(v, int | float) and not isinstance(v, bool)):
        out.append(mistyped(v, at, 'Incorrect type. Expected "number"'))
        return
    if v < 0.01:
        out.append(_problem(63, at, v))
    if v > 600:
        out.append(_problem(70, at, v))


def _document_health_failures(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/health/properties/failures."""
    if not (isinstance(v, int | float) and not isinstance(v, bool) and v == v // 1):
        out.append(mistyped(v, at, 'Incorrect type. Expected "integer"'))
        return
    if v < 1:
        out.append(_problem(65, at, v))
    if v > 100:
        out.append(_problem(73, at, v))


def _document_assets(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/assets."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    if len(v) > 100:
        out.append(_problem(27, at, v))
    for key, item in v.items():
        _def_asset_name(key, f"{at}/{escape(key)}", out)
        _document_assets_value(item, f"{at}/{escape(key)}", out)


def _document_assets_value(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/assets/additionalProperties."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    if "digest" not in v:
        out.append(missing("digest", at))
    for key, item in v.items():
        rule = _DOCUMENT_ASSETS_VALUE_KEYS.get(key)
        if rule is not None:
            rule(item, f"{at}/{key}", out)
        else:
            out.append(unknown_key(key, at, _DOCUMENT_ASSETS_VALUE_KEYS, earlier=len(out)))


def _document_assets_value_digest(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/assets/additionalProperties/properties/digest."""
    if not isinstance(v, str):
        out.append(mistyped(v, at, 'Incorrect type. Expected "string"'))
        return
    if not _found(32, v):
        out.append(_problem(74, at, v))


def _document_assets_value_optional(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/assets/additionalProperties/properties/optional."""
    if not isinstance(v, bool):
        out.append(mistyped(v, at, 'Incorrect type. Expected "boolean"'))
        return


def _document_ui(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/ui."""
    if not isinstance(v, dict):
        out.append(mistyped(v, at, 'Incorrect type. Expected "object"'))
        return
    if len(v) < 1:
        out.append(_problem(26, at, v))
    for key, item in v.items():
        rule = _DOCUMENT_UI_KEYS.get(key)
        if rule is not None:
            rule(item, f"{at}/{key}", out)
        else:
            out.append(unknown_key(key, at, _DOCUMENT_UI_KEYS, earlier=len(out)))


def _document_ui_panels(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/ui/properties/panels."""
    if not isinstance(v, list):
        out.append(mistyped(v, at, 'Incorrect type. Expected "array"'))
        return
    if len(v) > 50:
        out.append(_problem(75, at, v))
    for index, item in enumerate(v):
        _def_panel(item, f"{at}/{index}", out)


def _document_ui_widgets(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/ui/properties/widgets."""
    if not isinstance(v, list):
        out.append(mistyped(v, at, 'Incorrect type. Expected "array"'))
        return
    if len(v) > 50:
        out.append(_problem(75, at, v))
    for index, item in enumerate(v):
        _def_panel(item, f"{at}/{index}", out)


def _document_ui_themes(v: Any, at: str, out: list[Problem]) -> None:
    """Check #/properties/ui/properties/themes."""
    if not isinstance(v, list):
        out.append(mistyped(v, at, 'Incorrect type. Expected "array"'))
        return
    if len(v) > 20:
        out.append(_problem(56, at, v))
    for index, item in enumerate(v):
        _def_theme(item, f"{at}/{index}", out)


_DEF_SETTING_KEYS: Final[dict[str, Rule]] = {
    "type": _def_setting_type,
    "title": _def_line,
    "description": _def_text,
    "default": _anything,
    "enum": _def_setting_enum,
    "minimum": _def_setting_minimum,
    "maximum": _def_setting_maximum,
    "pattern": _def_setting_pattern,
    "secret": _def_setting_secret,
    "apply": _def_setting_apply,
}

_DEF_PANEL_KEYS: Final[dict[str, Rule]] = {
    "name": _def_asset_name,
    "title": _def_line,
    "kind": _def_panel_kind,
    "method": _def_identifier,
    "source": _def_file_path,
    "refresh": _def_panel_refresh,
}

_DEF_THEME_KEYS: Final[dict[str, Rule]] = {
    "name": _def_asset_name,
    "title": _def_line,
    "tokens": _def_theme_tokens,
}

_DOCUMENT_COMPATIBILITY_KEYS: Final[dict[str, Rule]] = {
    "platform_version": _def_version_range,
    "python_version": _def_version_range,
}

_DOCUMENT_HOOKS_KEYS: Final[dict[str, Rule]] = {
    "pre_start": _def_python_path,
    "post_start": _def_python_path,
    "pre_stop": _def_python_path,
    "post_stop": _def_python_path,
    "pre_upgrade": _def_python_path,
    "post_upgrade": _def_python_path,
}

_DOCUMENT_RESOURCES_KEYS: Final[dict[str, Rule]] = {
    "memory": _def_size,
    "cpu": _document_resources_cpu,
    "processes": _document_resources_processes,
    "open_files": _document_resources_open_files,
    "file_size": _def_size,
    "start_timeout": _document_resources_start_timeout,
    "stop_timeout": _document_resources_stop_timeout,
}

_DOCUMENT_METHODS_VALUE_KEYS: Final[dict[str, Rule]] = {
    "description": _def_text,
    "params": _document_methods_value_params,
    "returns": _document_methods_value_returns,
    "timeout": _document_methods_value_timeout,
}

_DOCUMENT_EVENTS_KEYS: Final[dict[str, Rule]] = {
    "publishes": _document_events_publishes,
    "subscribes": _document_events_subscribes,
}

_DOCUMENT_HEALTH_KEYS: Final[dict[str, Rule]] = {
    "interval": _document_health_interval,
    "timeout": _document_health_timeout,
    "failures": _document_health_failures,
}

_DOCUMENT_ASSETS_VALUE_KEYS: Final[dict[str, Rule]] = {
    "digest": _document_assets_value_digest,
    "size": _def_size,
    "description": _def_text,
    "optional": _document_assets_value_optional,
}

_DOCUMENT_UI_KEYS: Final[dict[str, Rule]] = {
    "panels": _document_ui_panels,
    "widgets": _document_ui_widgets,
    "themes": _document_ui_themes,
}

_DOCUMENT_KEYS: Final[dict[str, Rule]] = {
    "$schema": _document_schema,
    "manifest_version": _document_manifest_version,
    "name": _def_plugin_name,
    "version": _def_version,
    "display_name": _def_line,
    "description": _def_text,
    "author": _def_line,
    "license": _document_license,
    "homepage": _def_web_address,
    "repository": _def_web_address,
    "keywords": _document_keywords,
    "icon": _document_icon,
    "type": _document_type,
    "entry_point": _def_python_path,
    "dependencies": _document_dependencies,
    "plugin_dependencies": _document_plugin_dependencies,
    "permissions": _document_permissions,
    "permission_reasons": _document_permission_reasons,
    "configuration": _document_configuration,
    "configuration_schema": _document_configuration_schema,
    "compatibility": _document_compatibility,
    "hooks": _document_hooks,
    "resources": _document_resources,
    "methods": _document_methods,
    "events": _document_events,
    "health": _document_health,
    "assets": _document_assets,
    "ui": _document_ui,
}
