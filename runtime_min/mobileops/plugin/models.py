"""What ``load_model()`` does unless a plugin overrides it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from mobileops.errors import PluginError

if TYPE_CHECKING:
    from mobileops.plugin.platform import Model, PlatformApi

ONNX: Final = ".onnx"
_FILES: Final = frozenset({
    ".bin", ".ckpt", ".gguf", ".h5", ".joblib", ".json", ".keras", ".npy", ".npz", ".pb", ".pickle", ".pkl", ".pt",
    ".pth", ".safetensors", ".tflite", ".txt",
})  # fmt: skip


def load(platform: PlatformApi, reference: object) -> Model:
    """Load an asset by its name, or an ONNX model of the plugin's own by its path.

    Raises:
        PluginError: MOP5321, it is a file in a format that the platform does not run, or no text at all.
    """
    if not isinstance(reference, str) or not reference:
        raise _no_loader(repr(reference), "load_model() takes the name of an asset or the path of an .onnx file")
    suffix = PurePosixPath(reference).suffix.lower()
    if suffix == ONNX:
        return platform.ai.load_file(reference)
    if "/" in reference or suffix in _FILES:
        raise _no_loader(repr(reference), f"the platform runs ONNX models, not {suffix or 'files without a suffix'}")
    return platform.ai.load(reference)


def _no_loader(what: str, why: str) -> PluginError:
    return PluginError(
        f"no loader for the model {what}",
        code="MOP5321",
        why=why,
        fix="export it to ONNX, or override load_model() in the plugin",
    )
