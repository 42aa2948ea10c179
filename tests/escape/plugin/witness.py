"""Leaves a file behind, as proof that it ran."""

from __future__ import annotations

from pathlib import Path


def main(channel, assignment) -> None:
    Path("/data/ran").write_text("")
