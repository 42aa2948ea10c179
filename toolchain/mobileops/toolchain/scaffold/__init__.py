"""Make a new plugin folder from a template, and bring a folder up to date with its template later.

The templates are plain cookiecutter templates under ``cookiecutters/``. This package renders them without anything
that cookiecutter does for interactive use: no configuration or replay files in the home folder, no hooks, no
prompts, no network.
"""

from __future__ import annotations

from mobileops.toolchain.scaffold.creation import Created, Preview, create, preview, questions, templates
from mobileops.toolchain.scaffold.names import require as require_name
from mobileops.toolchain.scaffold.prompts import Prompt, Questions
from mobileops.toolchain.scaffold.render import require_answer
from mobileops.toolchain.scaffold.update import Change, Update, apply, plan

__all__ = [
    "Change",
    "Created",
    "Preview",
    "Prompt",
    "Questions",
    "Update",
    "apply",
    "create",
    "plan",
    "preview",
    "questions",
    "require_answer",
    "require_name",
    "templates",
]
