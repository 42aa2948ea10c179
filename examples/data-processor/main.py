"""The mission's data processing plugin, made real: a small classifier over a real data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from iris_model import SoftmaxModel, read_measurements

from mobileops.plugin import ProcessingPlugin, plugin_method

HERE = Path(__file__).resolve().parent


class DataProcessorPlugin(ProcessingPlugin):
    """Classifies irises from four lengths in centimetres."""

    def __init__(self) -> None:
        super().__init__(name="data-processor")
        self.model: SoftmaxModel | None = None

    def initialize(self) -> bool:
        """Load processing model."""
        model_path = self.config.get("model_path")
        self.model = self.load_model(model_path)
        return self.model is not None

    def load_model(self, reference: str) -> SoftmaxModel:
        """Read the coefficients that train.py wrote; `reference` is relative to the plugin."""
        return SoftmaxModel.load(HERE / reference)

    @plugin_method
    def process(self, input_data: list[float] | list[list[float]]) -> dict[str, Any]:
        """Classify one flower ``[sepal length, sepal width, petal length, petal width]``, or a list of flowers."""
        model = self._loaded_model()

        # Preprocess data
        processed_input = self.preprocess(input_data)

        # Run inference
        result = model.predict(processed_input)

        # Postprocess results
        output = self.postprocess(result)

        return {
            "input_shape": list(processed_input.shape),
            "output": output,
            "confidence": float(np.max(result)),
        }

    @plugin_method
    def evaluate(self) -> dict[str, Any]:
        """Classify every row of the shipped data set; ``held_out_accuracy`` counts only rows not used for training."""
        model = self._loaded_model()
        measurements, species = read_measurements(HERE / self.config["data_path"])
        wanted = np.array([model.classes.index(name) for name in species])
        right = model.predict(measurements).argmax(axis=1) == wanted
        return {
            "rows": len(species),
            "accuracy": float(right.mean()),
            "held_out_rows": len(species) // 2,
            "held_out_accuracy": float(right[1::2].mean()),
        }

    def preprocess(self, data: list[float] | list[list[float]]) -> np.ndarray:
        """Convert to a numpy array and refuse what cannot be a flower."""
        array = np.array(data, dtype=float)
        if array.ndim not in {1, 2} or array.shape[-1] != SoftmaxModel.FEATURES:
            message = (
                f"expected {SoftmaxModel.FEATURES} numbers, or a list of such, got an array of shape {array.shape}"
            )
            raise ValueError(message)
        if not np.isfinite(array).all():
            message = "every length must be a finite number"
            raise ValueError(message)
        return array

    def postprocess(self, result: np.ndarray) -> list[str] | str:
        """Convert probabilities to names of species."""
        names = np.array(self._loaded_model().classes)[result.argmax(axis=-1)]
        return names.tolist()

    def _loaded_model(self) -> SoftmaxModel:
        if self.model is None:
            message = "Model not loaded"
            raise RuntimeError(message)
        return self.model


if __name__ == "__main__":
    plugin = DataProcessorPlugin()
    plugin.run()
