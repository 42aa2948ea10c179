"""Make a new plugin folder from a template.

The templates are plain cookiecutter templates under ``cookiecutters/``. This package renders them without anything
that cookiecutter does for interactive use: no configuration or replay files in the home folder, no hooks, no
prompts, no network.
"""

from __future__ import annotations

from mobileops.toolchain.scaffold.creation import Created, create, templates

__all__ = ["Created", "create", "templates"]
