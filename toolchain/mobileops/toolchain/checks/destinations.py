"""Which permission a destination in a plugin's code needs, as far as it is written there."""

from __future__ import annotations

from typing import Final

DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def for_address(host: str | None, port: int | None) -> str | None:
    """Return the permission to connect to one port of one host; it is not checked."""
    if not host or not port:
        return None
    return f"network.tcp:[{host}]:{port}" if ":" in host else f"network.tcp:{host.lower()}:{port}"


def for_url(text: str | None, complete: bool) -> str | None:  # noqa: FBT001 - the pair that _prefix returns
    """Return the permission that a web address needs; of an incomplete one, at least the host must be complete."""
    if text is None:
        return None
    from urllib.parse import urlsplit  # noqa: PLC0415 - slow to import, and most plugins name no address

    try:
        url = urlsplit(text)
        port = url.port or DEFAULT_PORTS.get(url.scheme.lower())
    except ValueError:
        return None
    return for_address(url.hostname, port) if complete or url.path else None
