"""Render a cookiecutter template with cookiecutter's library, and nothing of its interactive side.

`cookiecutter.main.cookiecutter()` is not used: it reads ``~/.cookiecutterrc``, writes ``~/.cookiecutter_replay/`` even
without a prompt, and runs each answer through Jinja, where ``{{ … }}`` in somebody's name would be executed.
"""

from __future__ import annotations

import difflib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.errors import UsageError
from mobileops.toolchain.scaffold import names, prompts
from mobileops.toolchain.spec import editors, load

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ANSWER_CHARACTERS: Final = 1000
_LEFT_BEHIND: Final = ("__pycache__", "hooks")


def settled(template: Path, answers: Mapping[str, str]) -> dict[str, str]:
    """Return an answer to every question of the template except the name: the one given, or the default.

    Raises:
        UsageError: MOP7104 for an unknown question, MOP7105 for an unusable answer.
        HostFault: MOP7108, the template is damaged.
    """
    defaults = {prompt.key: prompt.default for prompt in prompts.load(template).prompts if prompt.key != "name"}
    for question, answer in answers.items():
        if question not in defaults:
            near = difflib.get_close_matches(question, defaults, n=1)
            raise UsageError(
                f"the template does not ask for {question!r}",
                code="MOP7104",
                why=f"it asks for {', '.join(sorted(defaults))}",
                fix=f"did you mean {near[0]!r}?" if near else "leave it out",
            )
        require_answer(question, answer)
    return {**defaults, **answers}


def require_answer(question: str, answer: str) -> None:
    """Check that an answer is one line of printable text that the schema accepts.

    Raises:
        UsageError: MOP7105.
    """
    if not answer.isprintable() or not 0 < len(answer) <= MAX_ANSWER_CHARACTERS:
        fault = f"an answer is one line of 1 to {MAX_ANSWER_CHARACTERS} printable characters, not {answer[:40]!r}"
        fix = "leave out line breaks, control and invisible characters"
    elif sentence := prompts.objection(question, answer):
        fault, fix = sentence, f"answer with what the schema accepts for {question!r}"
    else:
        return
    raise UsageError(f"the answer for {question!r} cannot be used", code="MOP7105", why=fault, fix=fix)


def render(template: Path, name: str, answers: Mapping[str, str]) -> dict[str, bytes]:
    """Return the files that a template makes, as path -> content, sorted by path.

    Args:
        template: folder with a ``cookiecutter.json``.
        name: of the plugin, checked.
        answers: to every other question, put in as they are: they are never read as templates themselves.

    Raises:
        HostFault: MOP7108, the template cannot be rendered.
    """
    from cookiecutter import exceptions, generate  # type: ignore[import-untyped]  # noqa: PLC0415 - 0.2 s
    from jinja2 import TemplateError  # noqa: PLC0415 - likewise

    context = {**answers, "name": name, prompts.CLASS_NAME: names.class_name(name)}
    with tempfile.TemporaryDirectory(prefix="mobileops-scaffold-") as scratch:
        source, result = Path(scratch, "template"), Path(scratch, "result")
        result.mkdir()
        _copy_without_bytecode(template, source)
        try:
            made = generate.generate_files(str(source), {"cookiecutter": context}, str(result), accept_hooks=False)
        except (exceptions.CookiecutterException, TemplateError) as error:
            raise prompts.damaged(template, error) from error
        return _with_schema(_files(Path(made)))


def _with_schema(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files with the schema in the editor's settings: what they name by its address needs a network."""
    if editors.SETTINGS not in files:
        return files
    schema = load.schema_bytes().decode()
    settings = editors.merged(files[editors.SETTINGS].decode(), schema)
    return dict(sorted({**files, editors.SETTINGS: settings.encode(), editors.SCHEMA_COPY: schema.encode()}.items()))


def _files(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


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
