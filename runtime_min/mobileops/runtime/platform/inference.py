"""Run one ONNX model for the platform; the entry of a sandboxed process, which has the model and nothing else.

A model may come from a plugin, and what reads it is a large parser, so it is confined like a plugin: no network, no
files but the model and the Python packages, bounded memory. Protocol, in the frames of
`mobileops.runtime.channel.rpc`::

    this process → manager   NOTE "loaded", body {"inputs", "outputs", "labels"}  or  NOTE "failed", body {"cause"}
    manager → this process   CALL "infer", body {"input"}
    this process → manager   RESULT {"outputs", "label", "confidence"}  or  ERROR

A model says how it is used in its metadata (ONNX, "metadata_props"):

``mobileops.labels``   names of the classes as a JSON list, in the order of the first output
``mobileops.text``     ``words``: a text goes in as the list of its words, in lower case; absent: as it is
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

from mobileops.errors import PluginGone
from mobileops.runtime.channel.blocking import BlockingChannel
from mobileops.runtime.channel.rpc import Frame, Kind

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
MAX_LABELS: Final = 10_000
LABELS_KEY: Final = "mobileops.labels"
TEXT_KEY: Final = "mobileops.text"
STRING: Final = "tensor(string)"
_TYPES: Final = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int16)": "int16",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
    STRING: "object",
}


def words(text: str) -> list[str]:
    """Return the words of a text in lower case; ``don't`` is one."""
    return WORD.findall(text.lower())


class Loaded:
    """A model in memory; one thread and a fixed order of operations, so that the same input gives the same output."""

    def __init__(self, path: str) -> None:
        """Read a model's file.

        Raises:
            Exception: whatever the engine says of it.
        """
        import onnxruntime  # noqa: PLC0415  of the extra [ai]; importable only once sys.path says where it is

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.labels = _labels(metadata.get(LABELS_KEY, "[]"))
        self._split = metadata.get(TEXT_KEY) == "words"

    def facts(self) -> dict[str, Any]:
        """Return what the model takes and gives."""
        return {
            "inputs": [_tensor(one) for one in self._session.get_inputs()],
            "outputs": [_tensor(one) for one in self._session.get_outputs()],
            "labels": self.labels,
        }

    def infer(self, value: Any) -> dict[str, Any]:  # noqa: ANN401  msgpack values
        """Run the model once.

        Raises:
            Exception: the input does not fit.
        """
        names = [one.name for one in self._session.get_outputs()]
        found = self._session.run(None, self._feed(value))
        outputs = {name: _plain(one) for name, one in zip(names, found, strict=True)}
        return {"outputs": outputs, **_classified(found[0], self.labels)}

    def _feed(self, value: Any) -> dict[str, Any]:  # noqa: ANN401  msgpack values
        """Return the arrays of the model's inputs."""
        inputs = self._session.get_inputs()
        given = value if isinstance(value, dict) else {inputs[0].name: value}
        if set(given) != {one.name for one in inputs}:
            wanted = ", ".join(repr(one.name) for one in inputs)
            message = f"it takes a mapping with {wanted}, got {', '.join(map(repr, given))}"
            raise ValueError(message)
        return {one.name: self._array(one, given[one.name]) for one in inputs}

    def _array(self, wanted: Any, value: Any) -> Any:  # noqa: ANN401  of onnxruntime and numpy, which have no stubs here
        import numpy  # noqa: PLC0415  see `__init__`

        kind = _TYPES.get(wanted.type)
        if kind is None:
            message = f"its input {wanted.name!r} is a {wanted.type}, which cannot be given"
            raise TypeError(message)
        if isinstance(value, str) != (wanted.type == STRING) and not isinstance(value, list):
            message = f"its input {wanted.name!r} is a {wanted.type}, got {type(value).__name__}"
            raise TypeError(message)
        if isinstance(value, str):
            value = words(value) or [""] if self._split else value
            depth = len(wanted.shape) - (1 if isinstance(value, list) else 0)
            for _ in range(depth):
                value = [value]
        return numpy.asarray(value, dtype=kind)


def _labels(text: str) -> list[str]:
    found = json.loads(text)
    if not isinstance(found, list) or len(found) > MAX_LABELS or not all(isinstance(one, str) for one in found):
        message = f"its metadata {LABELS_KEY!r} is no list of at most {MAX_LABELS} texts"
        raise ValueError(message)
    return found


def _tensor(one: Any) -> dict[str, Any]:  # noqa: ANN401  of onnxruntime
    return {"name": one.name, "type": one.type, "shape": list(one.shape)}


def _plain(value: Any) -> Any:  # noqa: ANN401  an array, or what models of other libraries put out
    return value.tolist() if hasattr(value, "tolist") else value


def _classified(first: Any, labels: list[str]) -> dict[str, Any]:  # noqa: ANN401  an array
    """Return the best class, when the first output has one number for each label."""
    flat = first.ravel().tolist() if hasattr(first, "ravel") else []
    if not labels or len(flat) != len(labels):
        return {"label": None, "confidence": None}
    best = max(range(len(flat)), key=flat.__getitem__)
    return {"label": labels[best], "confidence": float(flat[best])}


def main(connection: socket.socket, assignment: Mapping[str, Any]) -> NoReturn:
    """Load the model and answer until the plugin manager hangs up.

    Args:
        connection: to the plugin manager.
        assignment: ``{"packages": folders to import from, "model": path}``.

    Raises:
        SystemExit: always.
    """
    channel = BlockingChannel(connection)
    sys.path += assignment["packages"]
    try:
        model = Loaded(assignment["model"])
        note = Frame(Kind.NOTE, 0, "loaded", model.facts())
    except BaseException as error:  # whatever the engine raises, the manager is told
        channel.send(Frame(Kind.NOTE, 0, "failed", {"cause": f"{type(error).__name__}: {error}"[:2000]}))
        raise SystemExit(1) from error
    channel.send(note)
    try:
        while True:
            channel.send(answer(model, channel.receive()))
    except PluginGone:
        raise SystemExit(0) from None


def answer(model: Loaded, frame: Frame) -> Frame:
    """Return the answer to one request."""
    try:
        return Frame(Kind.RESULT, frame.id, "", model.infer(frame.body["input"]))
    except Exception as error:  # noqa: BLE001  whatever the engine raises, the asker is told
        form = {"type": type(error).__name__, "message": str(error)[:2000], "code": "MOP5317", "detail": None}
        return Frame(Kind.ERROR, frame.id, "", form)
