"""Documents of plugins that nobody wrote, with words as often as in a language."""

from __future__ import annotations

import itertools
import random

from mobileops.runtime.repository.document import FORMAT, Blob, Document, Release

SYLLABLES = (
    "da",
    "ser",
    "mo",
    "lin",
    "ke",
    "tro",
    "pu",
    "vi",
    "ran",
    "so",
    "bel",
    "chi",
    "no",
    "fa",
    "gri",
    "um",
    "ex",
)
WORDS = ["".join(parts) for size in (2, 3) for parts in itertools.product(SYLLABLES, repeat=size)]
random.Random(0).shuffle(WORDS)  # noqa: S311 - the same order each time
WEIGHTS = list(itertools.accumulate(1 / rank for rank in range(1, len(WORDS) + 1)))
"""5,202 words, as often as their rank says (Zipf): so are the words of descriptions."""
KINDS = ("service", "processing", "ui", "integration")


def document(number: int) -> Document:
    """Return a document with words of a usual length."""
    some = random.Random(number)  # noqa: S311 - the same words each time
    blob = Blob(f"{number:064x}", 100_000)
    release = Release(
        version="1.0.0",
        archive=blob,
        signature=blob,
        published_at="2026-11-22T12:00:00+00:00",
        type=some.choice(KINDS),
        license="MIT",
        manifest_sha256=blob.sha256,
        permissions=("network.http:api.example.com", "filesystem.read"),
        signer={"assurance": "local", "identity": f"author-{number % 500}@example.com"},
    )
    text = " ".join(some.choices(WORDS, cum_weights=WEIGHTS, k=10))
    return Document(
        format=FORMAT, name=f"plugin-{number}", description=text, author="Tests", owner={"a": "b"}, releases=(release,)
    )
