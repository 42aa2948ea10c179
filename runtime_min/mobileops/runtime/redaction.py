"""Hide secret values wherever they turn up: in logs, causes, errors and reports.

A value is looked for as it is, as Python or JSON would quote it, percent-encoded and in Base64; of one with several
lines, each line. Values shorter than `MIN_CHARACTERS` are not hidden: they would be found in every other word. A plugin
that takes a secret apart before it writes it down is not caught: this guards against accidents.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MIN_CHARACTERS: Final = 4
MARK: Final = "[secret]"
MAX_DEPTH: Final = 64
MAX_SECRETS: Final = 1000


class Redaction:
    """Hides a set of values."""

    def __init__(self, secrets: Iterable[Any] = ()) -> None:
        """Hide these values: texts, numbers, and whatever lists and objects hold."""
        self._secrets = tuple(secrets)
        forms = {form for secret in self._secrets for text in _texts(secret) for form in _forms(text)}
        by_length = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, by_length))) if by_length else None

    def and_also(self, secrets: Iterable[Any]) -> Redaction:
        """Return one that hides these as well; of one plugin, the newest `MAX_SECRETS`."""
        added = tuple(one for one in secrets if one not in self._secrets)
        return Redaction((*self._secrets, *added)[-MAX_SECRETS:]) if added else self

    def text(self, text: str) -> str:
        """Return a text without them."""
        return text if self._pattern is None else self._pattern.sub(MARK, text)

    def value(self, value: Any, *, depth: int = MAX_DEPTH) -> Any:  # noqa: ANN401  any JSON value
        """Return a value without them, at every depth, in keys as well."""
        if self._pattern is None or value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int | float):
            return MARK if self._pattern.search(str(value)) else value
        if isinstance(value, dict) and depth:
            return {self.value(key, depth=0): self.value(one, depth=depth - 1) for key, one in value.items()}
        if isinstance(value, list | tuple) and depth:
            return [self.value(one, depth=depth - 1) for one in value]
        return self.text(str(value))


NONE: Final = Redaction()


def _texts(secret: Any, depth: int = MAX_DEPTH) -> Iterator[str]:  # noqa: ANN401  any JSON value
    if isinstance(secret, str):
        yield secret
        yield from (line.strip() for line in secret.splitlines())
    elif isinstance(secret, dict | list) and depth:
        for one in secret.values() if isinstance(secret, dict) else secret:
            yield from _texts(one, depth - 1)
    elif not isinstance(secret, bool | None):
        yield str(secret)


def _forms(text: str) -> Iterator[str]:
    import base64  # noqa: PLC0415  most plugins have no secret
    from urllib.parse import quote, quote_plus  # noqa: PLC0415  likewise

    if len(text) < MIN_CHARACTERS:
        return
    data = text.encode("utf-8", "surrogatepass")
    yield text
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    yield quote(data, safe="")
    yield quote_plus(data)
    yield base64.b64encode(data).decode().rstrip("=")
    yield base64.urlsafe_b64encode(data).decode().rstrip("=")
