"""Check a call's arguments against the annotations of the method, before the method runs.

The plugin's process does this, not the plugin manager: there the annotations themselves are at hand, from which the
``params`` of ``.mobileops/api.json`` were derived, and whatever an odd annotation costs is paid out of the plugin's own
limits. What JSON Schema calls valid, `msgspec.convert` accepts, and hands on as what the annotation says: a mapping
becomes the dataclass, a list the set, base64 text the bytes. What no schema can say (`typing.Any`, a class from
elsewhere, no annotation) accepts everything, as in api.json.
"""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mobileops.errors import CallError
from mobileops.runtime.channel.rpc import WRONG_ARGUMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_PLAIN: Final = (bool, int, float, str, bytes, list, dict, Any, None)
_BY_PLACE: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_BY_NAME: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Arguments:
    """The checked parameters of one method; made at its first call."""

    def __init__(self, name: str, method: Callable[..., Any]) -> None:
        """Read a method's signature.

        Args:
            name: what it is exported as.
            method: bound.
        """
        self._name = name
        self._signature = inspect.signature(method)
        parameters = list(self._signature.parameters.values())
        namespace = getattr(sys.modules.get(getattr(method, "__module__", "")), "__dict__", {})
        types = {one.name: _checkable(one.annotation, namespace) for one in parameters}
        placed = [one for one in parameters if one.kind in _BY_PLACE]
        self._by_place = [(one.name, types[one.name]) for one in placed]
        self._by_name = {one.name: types[one.name] for one in parameters if one.kind in _BY_NAME}
        self._rest = next((one for one in parameters if one.kind is inspect.Parameter.VAR_POSITIONAL), None)
        self._more = next((one for one in parameters if one.kind is inspect.Parameter.VAR_KEYWORD), None)
        self._types = types
        self._fewest = sum(one.default is inspect.Parameter.empty for one in placed)
        needs_names = any(
            one.kind is inspect.Parameter.KEYWORD_ONLY and one.default is inspect.Parameter.empty for one in parameters
        )
        self._most = -1 if needs_names else len(placed)
        self._unchecked = all(wanted is Any for wanted in types.values())

    @property
    def unchecked(self) -> range:
        """How many positional arguments, with no others, are right whatever they are."""
        return range(self._fewest, self._most + 1) if self._unchecked else range(0)

    def check(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Return the arguments as the annotations say.

        Raises:
            CallError: one is missing, one too many, or one is not what its annotation says (MOP5015).
        """
        if kwargs or not self._fewest <= len(args) <= self._most:
            self._bind(args, kwargs)
        if self._unchecked:
            return args, kwargs
        placed = self._by_place
        if self._rest is not None:
            placed = [*placed, *[(self._rest.name, self._types[self._rest.name])] * len(args)]
        checked = [self._one(name, wanted, value) for (name, wanted), value in zip(placed, args, strict=False)]
        if not kwargs:
            return checked, kwargs
        more = self._types[self._more.name] if self._more else Any
        return checked, {key: self._one(key, self._by_name.get(key, more), value) for key, value in kwargs.items()}

    def _one(self, name: str, wanted: Any, value: Any) -> Any:  # noqa: ANN401  a type, and any value
        if wanted is Any or (type(value) is wanted and wanted is not dict and wanted is not list):
            return value
        try:
            return msgspec.convert(value, wanted)
        except msgspec.ValidationError as error:
            raise self._wrong(f"argument {name!r}: {error}") from None
        except (TypeError, ValueError, RecursionError) as error:  # what a __post_init__ says
            raise self._wrong(f"argument {name!r}: {type(error).__name__}: {error}") from None

    def _bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        try:
            self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise self._wrong(str(error)) from None

    def _wrong(self, what: str) -> CallError:
        return CallError(
            f"{what}; the method is {self._name}{self._signature}", code=WRONG_ARGUMENT, remote_type="TypeError"
        )


def _checkable(annotation: Any, namespace: Mapping[str, Any]) -> Any:  # noqa: ANN401  types
    """Return the type to check against; Any for what cannot be checked."""
    if annotation is inspect.Parameter.empty:
        return Any
    try:
        wanted = eval(annotation, dict(namespace)) if isinstance(annotation, str) else annotation  # noqa: S307  the plugin's own code, in its own process
        if wanted not in _PLAIN:
            msgspec.json.schema(wanted)
    except Exception:  # noqa: BLE001  a name for type checkers alone, or a type from elsewhere
        return Any
    return wanted
