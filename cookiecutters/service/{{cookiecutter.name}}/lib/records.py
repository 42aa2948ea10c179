"""Rules for records."""

from __future__ import annotations

from typing import Any


def tidy(record: Any) -> dict[str, Any]:
    """Return a copy of the record with text trimmed and empty fields left out.

    Raises:
        ValueError: `record` is not a JSON object.
    """
    if not isinstance(record, dict):
        message = f"a record is a JSON object, not {type(record).__name__}"
        raise ValueError(message)  # noqa: TRY004 - callers are promised one kind of error
    trimmed = {key: value.strip() if isinstance(value, str) else value for key, value in record.items()}
    return {key: value for key, value in trimmed.items() if value not in ("", None)}
