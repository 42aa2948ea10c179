"""A small plugin folder, and the means to pack it without a network."""

from __future__ import annotations

import json

import pytest

MANIFEST = {
    "name": "demo",
    "version": "1.0.0",
    "description": "A plugin",
    "author": "Somebody",
    "license": "MIT",
    "type": "service",
    "entry_point": "main.py",
    "dependencies": [],
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Keep the wheels of tests out of the cache of whoever runs them."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))


@pytest.fixture
def source(tmp_path):
    """Return a folder with a plugin of three files."""
    folder = tmp_path / "demo"
    (folder / "lib").mkdir(parents=True)
    (folder / "plugin.json").write_text(json.dumps(MANIFEST, indent=2))
    (folder / "main.py").write_text("print('hello')\n" * 30)
    (folder / "lib" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "lib" / "run.sh").chmod(0o755)
    return folder


@pytest.fixture
def out(tmp_path):
    """Return where bundles go; it does not exist yet."""
    return tmp_path / "out"
