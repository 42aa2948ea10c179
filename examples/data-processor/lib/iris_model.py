"""A linear softmax classifier and the reader of its training data, shared by the plugin and train.py."""

from __future__ import annotations

import csv
import dataclasses
import json
from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path


@dataclasses.dataclass(frozen=True)
class SoftmaxModel:
    """Probabilities of classes from measurements.

    Attributes:
        classes: names, in the order of the columns of the weights.
        weights: one row for each feature, one column for each class.
        bias: one number for each class.
    """

    FEATURES: ClassVar[int] = 4

    classes: tuple[str, ...]
    weights: np.ndarray
    bias: np.ndarray

    def predict(self, measurements: np.ndarray) -> np.ndarray:
        """Return the probabilities of the classes in the last dimension."""
        scores = measurements @ self.weights + self.bias
        # Without the shift exp() overflows for large flowers; it does not change the result.
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return scores / scores.sum(axis=-1, keepdims=True)

    @classmethod
    def load(cls, path: Path) -> SoftmaxModel:
        """Read a model that `save` wrote."""
        document = json.loads(path.read_text(encoding="utf-8"))
        weights, bias = np.array(document["weights"]), np.array(document["bias"])
        return cls(tuple(document["classes"]), weights, bias)

    def save(self, path: Path) -> None:
        """Write the coefficients as JSON, six digits each."""
        document = {
            "classes": list(self.classes),
            "weights": [[round(value, 6) for value in row] for row in self.weights.tolist()],
            "bias": [round(value, 6) for value in self.bias.tolist()],
        }
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def read_measurements(path: Path) -> tuple[np.ndarray, list[str]]:
    """Return the four lengths of every flower in the CSV at `path`, and the names of their species."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    return np.array([row[:-1] for row in rows], dtype=float), [row[-1] for row in rows]
