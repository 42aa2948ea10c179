"""The examples of the help: every verb and action has one, and its own parser takes it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from mobileops.cli import description
from mobileops.cli.verbs import BY_NAME, VERBS
from mobileops.errors import UsageError

if TYPE_CHECKING:
    from mobileops.cli.description import Command

REDIRECTION = ">"


def with_actions(commands: tuple[Command, ...]) -> list[Command]:
    return [one for command in commands for one in (command, *with_actions(command.actions))]


@pytest.fixture(scope="module")
def commands() -> list[Command]:
    return with_actions(description.commands())


def parsed(line: str) -> None:
    """Have an example parsed by the parser of its verb, as the shell would hand it over."""
    program, verb, *words = shlex.split(line)
    assert program == "mobileops"
    description.parser_of(BY_NAME[verb]).parse(words[: words.index(REDIRECTION)] if REDIRECTION in words else words)


def test_every_verb_and_every_action_has_an_example_of_itself(commands: list[Command]) -> None:
    assert len(commands) > len(VERBS)
    for command in commands:
        assert command.examples, command.name
        if not command.actions:
            assert all(line.startswith(f"mobileops {command.name}") for line in command.examples), command.name


def test_every_action_that_is_a_word_of_its_verb_is_in_an_example(commands: list[Command]) -> None:
    seen = 0
    for command in commands:
        for argument in command.arguments:
            if argument.name == "ACTION":
                seen += 1
                shown = {line.removeprefix(f"mobileops {command.name} ").split()[0] for line in command.examples}
                assert shown >= set(argument.kind[1:].split()), command.name
    assert seen >= 5


def test_every_example_is_what_its_own_parser_takes(commands: list[Command]) -> None:
    for command in commands:
        for line in command.examples:
            parsed(line)


@pytest.mark.parametrize("line", ["mobileops list --jsn", "mobileops call a", "mobileops trust add nothing x"])
def test_an_example_that_is_wrong_would_be_noticed(line: str) -> None:
    with pytest.raises(UsageError):
        parsed(line)
