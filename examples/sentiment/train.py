"""Train the sentiment model: a bag of words and word pairs, and a logistic regression over them, as an ONNX file.

Run it with ``python train.py``; it needs numpy and onnx. The 160 sentences of ``data/reviews.tsv`` were written for
this repository, in pairs that say the same of a device in praise and in blame. Whole pairs are held out, so that no
test sentence has a twin that was trained on; what the held-out ones show holds for such sentences, not for all English.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
MODEL = HERE / "sentiment-analysis.onnx"
LABELS = ["negative", "positive"]
HELD_OUT_EVERY = 4
FEWEST = 2
STEPS = 2000
RATE = 0.5
PENALTY = 0.01
WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def rows() -> list[tuple[list[str], int]]:
    """Return the words and the class of every sentence."""
    lines = (HERE / "data" / "reviews.tsv").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines)
    return [(WORD.findall(text.lower()), LABELS.index(label)) for label, text in pairs]


def split(found: list[tuple[list[str], int]]) -> tuple[list[tuple[list[str], int]], list[tuple[list[str], int]]]:
    """Return what is trained on and what is held out: every fourth pair."""
    held = [row for at, row in enumerate(found) if at // 2 % HELD_OUT_EVERY == 0]
    return [row for at, row in enumerate(found) if at // 2 % HELD_OUT_EVERY], held


def grams(words: list[str]) -> list[tuple[str, ...]]:
    """Return the words and the pairs of neighbours."""
    return [(word,) for word in words] + list(itertools.pairwise(words))


def vocabulary(training: list[tuple[list[str], int]]) -> list[tuple[str, ...]]:
    """Return what occurs often enough, single words first."""
    counts = Counter(gram for words, _label in training for gram in grams(words))
    return sorted((gram for gram, count in counts.items() if count >= FEWEST), key=lambda gram: (len(gram), gram))


def matrix(found: list[tuple[list[str], int]], known: list[tuple[str, ...]]) -> np.ndarray:
    """Return how often each known gram occurs in each sentence."""
    counts = [Counter(grams(words)) for words, _label in found]
    return np.array([[count[gram] for gram in known] for count in counts], dtype=np.float64)


def fit(inputs: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """Return weights and bias by gradient descent on the logistic loss with an L2 penalty; no randomness."""
    weights, bias = np.zeros(inputs.shape[1]), 0.0
    for _ in range(STEPS):
        wrong = 1 / (1 + np.exp(-(inputs @ weights + bias))) - labels
        weights -= RATE * (inputs.T @ wrong / len(labels) + PENALTY * weights)
        bias -= RATE * float(wrong.mean())
    return weights, bias


def model(known: list[tuple[str, ...]], weights: np.ndarray, bias: float) -> onnx.ModelProto:
    """Return the graph: words -> counts -> two scores -> two probabilities."""
    singles = [gram for gram in known if len(gram) == 1]
    columns = np.stack([np.zeros_like(weights), weights], axis=1).astype(np.float32)
    nodes = [
        helper.make_node(
            "TfIdfVectorizer", ["words"], ["counts"], mode="TF", min_gram_length=1, max_gram_length=2, max_skip_count=0,
            ngram_counts=[0, len(singles)], ngram_indexes=list(range(len(known))),
            pool_strings=[word for gram in known for word in gram],
        ),
        helper.make_node("MatMul", ["counts", "weights"], ["scores"]),
        helper.make_node("Add", ["scores", "bias"], ["biased"]),
        helper.make_node("Softmax", ["biased"], ["probabilities"], axis=0),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "sentiment",
        [helper.make_tensor_value_info("words", TensorProto.STRING, ["count"])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [len(LABELS)])],
        [
            numpy_helper.from_array(columns, "weights"),
            numpy_helper.from_array(np.array([0, bias], dtype=np.float32), "bias"),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(made, {"mobileops.labels": json.dumps(LABELS), "mobileops.text": "words"})
    onnx.checker.check_model(made)
    return made


def accuracy(inputs: np.ndarray, labels: np.ndarray, weights: np.ndarray, bias: float) -> float:
    """Return the share of sentences whose class is found."""
    return float(((inputs @ weights + bias > 0) == (labels > 0)).mean())


def train() -> tuple[onnx.ModelProto, dict[str, float]]:
    """Return the model and what was measured."""
    training, held = split(rows())
    known = vocabulary(training)
    x_train, x_held = matrix(training, known), matrix(held, known)
    y_train, y_held = (np.array([label for _words, label in part], dtype=np.float64) for part in (training, held))
    weights, bias = fit(x_train, y_train)
    return model(known, weights, bias), {
        "features": len(known),
        "trained on": len(training),
        "accuracy there": accuracy(x_train, y_train, weights, bias),
        "held out": len(held),
        "accuracy held out": accuracy(x_held, y_held, weights, bias),
    }


if __name__ == "__main__":
    trained, measured = train()
    MODEL.write_bytes(trained.SerializeToString(deterministic=True))
    for name, value in measured.items():
        print(f"{name:>18}: {value:.3g}")  # noqa: T201  a script: this is its result
