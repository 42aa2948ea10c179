from __future__ import annotations

import ast

import pytest

from mobileops.toolchain.checks import python_file
from mobileops.toolchain.checks.spot import Spot, column, spot_of


def parsed(text):
    tree = python_file.parse(text)
    assert isinstance(tree, ast.Module)
    return tree


@pytest.mark.parametrize(
    ("before", "end"), [("", "\n"), ("a = 'ä\N{PILE OF POO}'; ", "\n"), ("\tif x: ", "\n"), ("", "\r\n"), ("", "\r")]
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_column_counts_characters(before, end, mark):
    text = f"{mark}if 1:{end}    pass{end}{'' if before[:1] != chr(9) else 'if 1:' + end}{before}call(){end}"
    call = next(node for node in ast.walk(parsed(text)) if isinstance(node, ast.Call))
    line = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[call.lineno - 1]
    assert line[column(text, spot_of(call)) - 1 :].startswith("call()")


def test_a_byte_order_mark_is_a_character_of_the_first_line():
    assert column("\ufeffcall()", spot_of(parsed("\ufeffcall()").body[0])) == 2


def test_a_spot_behind_the_end_has_a_column():
    assert column("one line", Spot(7, 3)) == 1
