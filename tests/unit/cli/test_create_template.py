"""``create-template``: options, questions at a terminal, previews."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mobileops.cli.commands import create_template
from mobileops.cli.console import Console
from mobileops.cli.parser import Parser
from mobileops.cli.verbs import BY_NAME
from mobileops.errors import UsageError
from mobileops.toolchain import scaffold

Run = Callable[..., tuple[int, str, str]]


class Terminal(io.StringIO):
    """Input that a person types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command with the given words; ``typed`` is a terminal's input, without it there is no terminal."""
    monkeypatch.chdir(tmp_path)

    def command(*words: str, typed: str | None = None) -> tuple[int, str, str]:
        parser = Parser(BY_NAME["create-template"])
        create_template.configure(parser)
        stdin = io.StringIO() if typed is None else Terminal(typed)
        console = Console(stdin, io.StringIO(), io.StringIO(), {})
        code = create_template.run(parser.parse(words), console)
        return code, console.stdout.getvalue(), console.stderr.getvalue()

    return command


def manifest(name: str = "my-plugin") -> dict[str, object]:
    return json.loads(Path(name, "plugin.json").read_text(encoding="utf-8"))


def test_every_question_of_every_template_is_an_option_or_a_word() -> None:
    parser = Parser(BY_NAME["create-template"])
    create_template.configure(parser)
    known = {action.dest for action in parser._actions}
    for plugin_type in scaffold.templates():
        assert known >= {prompt.key for prompt in scaffold.questions(plugin_type).prompts}


def test_the_help_says_what_the_schema_says() -> None:
    parser = Parser(BY_NAME["create-template"])
    create_template.configure(parser)
    (action,) = (action for action in parser._actions if action.dest == "license")
    assert str(action.help).startswith("SPDX licence expression. Like: MIT, ")


def test_options_answer_the_questions(run: Run) -> None:
    code, out, _err = run("my-plugin", "ui", "--author", "A", "--description", "D", "--license", "0BSD")
    document = manifest()
    assert (code, document["author"], document["description"], document["license"]) == (0, "A", "D", "0BSD")
    assert "plugin.json" in out.split()


def test_without_a_terminal_nothing_is_asked(run: Run) -> None:
    _code, _out, err = run("my-plugin", "service")
    assert "[Your name]" not in err
    assert manifest()["author"] == "Your name"


def test_no_input_asks_nothing_at_a_terminal(run: Run) -> None:
    _code, _out, err = run("my-plugin", "service", "--no-input", typed="never read\n" * 9)
    assert "[Your name]" not in err


def test_a_person_is_asked_for_what_is_missing_and_enter_takes_the_default(run: Run) -> None:
    code, _out, err = run("--license", "MIT", typed="my-plugin\nui\n\nSomebody\n")
    document = manifest()
    assert (code, document["type"], document["description"], document["author"]) == (
        0,
        "ui",
        "What it does",
        "Somebody",
    )
    assert "Person or organisation that wrote the plugin." in err
    assert "license [" not in err


def test_an_answer_that_cannot_be_used_is_asked_for_again(run: Run) -> None:
    code, _out, err = run(typed="My Plugin\nmy-plugin\nservce\nservice\n\nbell\a\nSomebody\n\n")
    assert (code, manifest()["author"]) == (0, "Somebody")
    assert [code for code in ("MOP7102", "MOP7101", "MOP7105") if f"[{code}]" in err] == [
        "MOP7102",
        "MOP7101",
        "MOP7105",
    ]
    assert "did you mean 'service'?" in err


def test_the_end_of_the_input_ends_the_command_and_nothing_is_made(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        run("my-plugin", "service", typed="only a description\n")
    assert caught.value.code == "MOP7109"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("words", "missing"), [((), "NAME and TYPE"), (("my-plugin",), "TYPE")])
@pytest.mark.parametrize("typed", [None, "my-plugin\nservice\n"])
def test_nobody_to_ask_is_a_mistake_of_usage(run: Run, words: tuple[str, ...], missing: str, typed: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        run(*words, "--no-input", typed=typed)
    assert caught.value.what.startswith(f"{missing} missing")


def test_a_dry_run_says_what_would_be_written_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    code, out, _err = run("my-plugin", "integration", "--dry-run", "--json", "--author", "A")
    report = json.loads(out)
    assert (code, report["path"], report["answers"]["author"]) == (0, str(tmp_path / "my-plugin"), "A")
    assert list(tmp_path.iterdir()) == []
    run("my-plugin", "integration", "--author", "A")
    made = {str(p.relative_to("my-plugin")): p.stat().st_size for p in Path("my-plugin").rglob("*") if p.is_file()}
    assert report["files"] == made


def test_a_dry_run_for_people_lists_the_files(run: Run) -> None:
    _code, out, err = run("my-plugin", "ui", "--dry-run")
    assert "plugin.json" in out.split()
    assert "nothing is written" in err


def test_what_exists_is_not_overwritten_and_a_dry_run_says_so(run: Run) -> None:
    Path("my-plugin").mkdir()
    Path("my-plugin", "precious").touch()
    for words in ((), ("--dry-run",)):
        with pytest.raises(UsageError) as caught:
            run("my-plugin", "ui", *words)
        assert caught.value.code == "MOP7103"


def test_the_types_are_listed_in_the_schemas_words(run: Run) -> None:
    _code, out, _err = run("--list")
    assert [line.split()[0] for line in out.splitlines() if line[0] != " "] == list(scaffold.templates())
    assert max(map(len, out.splitlines())) < 80
    listed = {entry["type"]: entry["summary"] for entry in json.loads(run("--list", "--json")[1])}
    assert listed["ui"].startswith("Shows panels")
