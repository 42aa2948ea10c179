"""Render a cookiecutter template with cookiecutter's library, and nothing of its interactive side.

`cookiecutter.main.cookiecutter()` is not used: it reads ``~/.cookiecutterrc``, writes ``~/.cookiecutter_replay/`` even
without a prompt, and runs each answer through Jinja, where ``{{ … }}`` in somebody's name would be executed.
"""

from __future__ import annotations

import difflib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.errors import HostFault, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATE_MARK: Final = "cookiecutter.json"
DERIVED: Final = frozenset({"name", "class_name"})  # create() fills these in itself
MAX_ANSWER_CHARACTERS: Final = 1000
_LEFT_BEHIND: Final = ("__pycache__", "hooks")


def checked_answers(template: Path, answers: Mapping[str, str]) -> dict[str, str]:
    """Return the answers if the template asks for them and they are one line of printable text.

    Raises:
        UsageError: MOP7104 for an unknown question, MOP7105 for an unusable answer.
    """
    questions = sorted(set(_defaults(template)) - DERIVED)
    for question, answer in answers.items():
        if question not in questions:
            near = difflib.get_close_matches(question, questions, n=1)
            raise UsageError(
                f"the template does not ask for {question!r}",
                code="MOP7104",
                why=f"it asks for {', '.join(questions)}",
                fix=f"did you mean {near[0]!r}?" if near else "leave it out",
            )
        if not answer.isprintable() or not 0 < len(answer) <= MAX_ANSWER_CHARACTERS:
            raise UsageError(
                f"the answer for {question!r} cannot be used",
                code="MOP7105",
                why=f"an answer is one line of 1 to {MAX_ANSWER_CHARACTERS} printable characters, not {answer[:40]!r}",
                fix="leave out line breaks, control and invisible characters",
            )
    return dict(answers)


def render(template: Path, context: Mapping[str, str], *, into: Path) -> Path:
    """Render a template below an empty folder and return the folder that was made.

    Args:
        template: folder with a ``cookiecutter.json``.
        context: question -> answer, put in as they are: they are never read as templates themselves.
        into: an empty folder.

    Raises:
        HostFault: MOP7108, the template cannot be rendered.
    """
    from cookiecutter import exceptions, generate, prompt  # type: ignore[import-untyped]  # noqa: PLC0415 - 0.2 s
    from jinja2 import TemplateError  # noqa: PLC0415 - likewise

    source, result = into / "template", into / "result"
    result.mkdir()
    _copy_without_bytecode(template, source)
    try:
        questions = generate.generate_context(str(source / TEMPLATE_MARK))["cookiecutter"]
        questions["name"] = context["name"]
        settled = {**prompt.prompt_for_config({"cookiecutter": questions}, no_input=True), **context}
        made = generate.generate_files(str(source), {"cookiecutter": settled}, str(result), accept_hooks=False)
    except (exceptions.CookiecutterException, TemplateError) as error:
        raise _damaged(template, error) from error
    return Path(made)


def _defaults(template: Path) -> dict[str, str]:
    try:
        questions = json.loads((template / TEMPLATE_MARK).read_bytes())
    except (OSError, ValueError) as error:
        raise _damaged(template, error) from error
    return {key: value for key, value in questions.items() if not key.startswith("_")}


def _copy_without_bytecode(template: Path, copy: Path) -> None:
    """Copy the files a template consists of, with fresh modes.

    pip compiles the .py files of an installed template, and cookiecutter copies whatever it finds into the new plugin.
    """
    for folder, folders, files in os.walk(template):
        folders[:] = sorted(entry for entry in folders if entry not in _LEFT_BEHIND)
        here = copy / Path(folder).relative_to(template)
        here.mkdir()
        for file in sorted(files):
            if not file.endswith((".pyc", ".pyo")):
                shutil.copyfile(Path(folder, file), here / file)


def _damaged(template: Path, error: Exception) -> HostFault:
    return HostFault(
        f"the template {template.name!r} cannot be rendered",
        code="MOP7108",
        where=str(template),
        why=str(error),
        fix="install mobileops-toolchain again",
    )
