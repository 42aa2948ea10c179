"""Make models/iris-softmax.json from data/iris.csv: run once by the author, the result is committed.

Multinomial logistic regression by plain gradient descent from zero, so that every run gives the same coefficients.
Only every second row is used; the plugin's ``evaluate`` reports the accuracy on the others.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "lib"))

from iris_model import SoftmaxModel, read_measurements  # noqa: E402 - lib/ is on the path only now

STEPS = 4000
RATE = 0.1
DECAY = 1e-3


def train(measurements: np.ndarray, species: list[str]) -> SoftmaxModel:
    """Fit a model to all rows given."""
    classes = tuple(sorted(set(species)))
    wanted = np.eye(len(classes))[[classes.index(name) for name in species]]
    mean = measurements.mean(axis=0)
    centred = measurements - mean
    weights, bias = np.zeros((SoftmaxModel.FEATURES, len(classes))), np.zeros(len(classes))
    for _ in range(STEPS):
        error = (SoftmaxModel(classes, weights, bias).predict(centred) - wanted) / len(species)
        weights -= RATE * (centred.T @ error + DECAY * weights)
        bias -= RATE * error.sum(axis=0)
    # Fold the centring into the bias: the plugin works on plain centimetres.
    return SoftmaxModel(classes, weights, bias - mean @ weights)


if __name__ == "__main__":
    all_measurements, all_species = read_measurements(HERE / "data" / "iris.csv")
    train(all_measurements[::2], all_species[::2]).save(HERE / "models" / "iris-softmax.json")
