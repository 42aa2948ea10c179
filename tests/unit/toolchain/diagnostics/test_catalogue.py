"""Every code that the sources can emit is explained, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mobileops.runtime
import mobileops.toolchain
from mobileops.errors import NotFoundError
from mobileops.toolchain.diagnostics import catalogue

LITERAL = re.compile(r"[\"'](MOP[0-9]{4})[\"']")


def emitted() -> set[str]:
    """Return every code that stands as a literal in the sources of both distributions."""
    roots = {Path(package.__path__[0]).parent for package in (mobileops.runtime, mobileops.toolchain)}
    sources = (path.read_text(encoding="utf-8") for root in roots for path in root.rglob("*.py"))
    return {code for source in sources for code in LITERAL.findall(source)}


def test_the_sources_of_both_distributions_are_searched() -> None:
    assert {"MOP1009", "MOP2001", "MOP3000", "MOP4002", "MOP6004", "MOP7001", "MOP8011"} <= emitted()


def test_no_code_is_without_an_explanation() -> None:
    assert sorted(emitted() - catalogue.entries().keys()) == []


def test_no_explanation_is_without_a_code() -> None:
    assert sorted(catalogue.entries().keys() - emitted()) == []


@pytest.mark.parametrize("code", list(catalogue.entries()))
def test_an_explanation_has_title_rule_and_remedy_in_one_line_each(code: str) -> None:
    entry = catalogue.entries()[code]
    for text in (entry.title, entry.why, entry.fix):
        assert text.isprintable()
        assert text == text.strip().rstrip(".")
        assert 5 < len(text) <= 160
    assert entry.fix[0].isupper()
    assert entry.severity in {"error", "warning"}
    assert (entry.after is None) or (entry.before is not None and entry.before != entry.after)


def test_manifest_codes_have_examples() -> None:
    text = [entry for code, entry in catalogue.entries().items() if code.startswith(("MOP10", "MOP11", "MOP12"))]
    assert [entry.code for entry in text if entry.before is None] == ["MOP1001", "MOP1003", "MOP1007", "MOP1107"]


@pytest.mark.parametrize("word", ["MOP1009", "mop1009", "1009", " MOP1009 "])
def test_a_code_may_be_written_as_people_write_it(word: str) -> None:
    assert catalogue.explain(word).code == "MOP1009"


def test_an_unknown_code_gets_the_nearest_ones() -> None:
    with pytest.raises(NotFoundError) as caught:
        catalogue.explain("MOP10009")
    assert (caught.value.code, "'MOP1009'" in (caught.value.fix or "")) == (catalogue.CODE_UNKNOWN, True)


def test_a_word_that_is_like_no_code_gets_the_way_to_the_list() -> None:
    with pytest.raises(NotFoundError, match="no code 'x") as caught:
        catalogue.explain("x" * 1000)
    assert caught.value.fix == "mobileops explain lists all codes"
    assert len(str(caught.value)) < 400


def test_a_code_explained_twice_is_a_defect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text('[MOP1009]\ntitle="t"\nwhy="w"\nfix="f"\n')
    monkeypatch.setattr(catalogue, "_FOLDER", tmp_path)
    with pytest.raises(ValueError, match="a second time"):
        catalogue.entries.__wrapped__()
