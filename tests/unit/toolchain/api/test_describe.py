"""The API of a plugin, read from its source: nothing of it is imported, and what it says fits its schema."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import jsonschema
import pytest

from mobileops.manifest import parse
from mobileops.plugin import kinds, methods
from mobileops.toolchain._resources import schema_root
from mobileops.toolchain.api import describe, describe_files
from mobileops.toolchain.api import methods as extraction

MANIFEST = {
    "name": "demo",
    "version": "1.0.0",
    "description": "A plugin",
    "author": "Somebody",
    "license": "MIT",
    "type": "service",
    "entry_point": "main.py",
}
HEAD = """
import typing
from typing import *
from mobileops.plugin import ServicePlugin, plugin_method
"""
SCHEMA = jsonschema.Draft202012Validator(json.loads((schema_root() / "bundle/v1/api.schema.json").read_text()))


def _describe(files, **manifest):
    texts = {name: textwrap.dedent(text).encode() for name, text in files.items()}
    data = describe(parse(json.dumps({**MANIFEST, **manifest}).encode()), texts.get)
    document = json.loads(data)
    SCHEMA.validate(document)
    for method in document["methods"].values():
        for schema in (method["params"], method["returns"]):
            jsonschema.Draft202012Validator.check_schema(schema)
    return document


def _method(signature, *, before="", **files):
    """Return the description of ``def run<signature>`` in a plugin class."""
    code = f"""
from __future__ import annotations
import dataclasses, enum, typing as t
from typing import Annotated, Any, Literal, NamedTuple, NewType, NotRequired, Optional, TypedDict, Union
from collections.abc import Mapping, Sequence
from mobileops.plugin import ServicePlugin, plugin_method
{textwrap.dedent(before)}
class Demo(ServicePlugin):
    @plugin_method
    def run{signature}: ...
"""
    return _describe({"main.py": code, **{f"{name}.py": text for name, text in files.items()}})


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        ("int", {"type": "integer"}),
        ("None", {"type": "null"}),
        ("bytes", {"type": "string", "contentEncoding": "base64"}),
        ("Any", {}),
        ("str | None", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ("Optional[str]", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ("t.Union[int, str, int]", {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        ("int | Any", {}),
        ("'list[int]'", {"type": "array", "items": {"type": "integer"}}),
        ("t.List[bool]", {"type": "array", "items": {"type": "boolean"}}),
        ("Sequence", {"type": "array"}),
        ("set[str]", {"type": "array", "uniqueItems": True, "items": {"type": "string"}}),
        ("dict[str, float]", {"type": "object", "additionalProperties": {"type": "number"}}),
        ("Mapping", {"type": "object"}),
        ("tuple[int, ...]", {"type": "array", "items": {"type": "integer"}}),
        (
            "tuple[int, str]",
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        ),
        ("Literal['a', 1, None]", {"enum": ["a", 1, None]}),
        ("Annotated[int, 'metres']", {"type": "integer"}),
        ("numpy.ndarray", {"$comment": "numpy.ndarray"}),
        ("list[", {}),
        ("3", {}),
        ("f()", {}),
    ],
)
def test_an_annotation_becomes_a_schema(annotation, schema):
    text = repr(annotation) if annotation == "list[" else annotation
    assert _method(f"(self) -> {text}")["methods"]["run"]["returns"] == schema


def test_parameters_keep_their_order_kind_and_defaults():
    run = _method("(self, a: int, /, b: str = 'x', *rest: int, c: bool, d=[1, {'k': None}], **more: float)")["methods"][
        "run"
    ]
    assert run["positional"] == ["a", "b"]
    assert run["rest"] == {"type": "integer"}
    assert run["params"] == {
        "type": "object",
        "properties": {
            "a": {"type": "integer"},
            "b": {"type": "string", "default": "x"},
            "c": {"type": "boolean"},
            "d": {"default": [1, {"k": None}]},
        },
        "required": ["a", "c"],
        "additionalProperties": {"type": "number"},
    }


@pytest.mark.parametrize(
    "default", ["float('inf')", "1e999", "2**70", str(2**70), "'\\ud800'", "{1: 2}", "x", f"'{'a' * 2000}'"]
)
def test_a_default_that_json_does_not_have_is_left_out_but_the_argument_stays_optional(default):
    params = _method(f"(self, a={default})")["methods"]["run"]["params"]
    assert (params["properties"], params["required"]) == ({"a": {}}, [])


def test_records_of_the_plugin_become_definitions_also_from_other_files():
    lib = """
    import dataclasses, enum
    class Colour(enum.StrEnum):
        RED = "red"
        BLUE = "blue"
    @dataclasses.dataclass(frozen=True)
    class Base:
        x: float
    @dataclasses.dataclass
    class Point(Base):
        "A place."
        limit: ClassVar[int] = 3
        colour: Colour = Colour.RED
        children: list["Point"] = dataclasses.field(default_factory=list)
        tag: str = dataclasses.field(kw_only=True)
    """
    api = _method(
        "(self, p: Point) -> Literal[Colour.RED]", before="from shapes import Point, Colour", **{"lib/shapes": lib}
    )
    assert api["methods"]["run"]["params"]["properties"]["p"] == {"$ref": "#/$defs/Point"}
    assert api["methods"]["run"]["returns"] == {"enum": ["red"]}
    point = api["$defs"]["Point"]
    assert point["required"] == ["x", "tag"]
    assert point["description"] == "A place."
    assert point["properties"] == {
        "x": {"type": "number"},
        "colour": {"enum": ["red", "blue"]},
        "children": {"type": "array", "items": {"$ref": "#/$defs/Point"}},
        "tag": {"type": "string"},
    }


def test_a_typed_dict_says_which_keys_must_be_there():
    before = """
    class Partial(TypedDict, total=False):
        a: int
        b: t.Required[str]
    class Whole(Partial):
        c: NotRequired[int]
        d: int
    """
    api = _method("(self, w: Whole, p: Partial)", before=before)
    assert set(api["$defs"]["Whole"]["properties"]) == {"a", "b", "c", "d"}
    assert api["$defs"]["Partial"]["required"] == ["b"]
    assert "d" in api["$defs"]["Whole"]["required"]
    assert "c" not in api["$defs"]["Whole"]["required"]


def test_aliases_new_types_and_named_tuples_are_followed():
    before = """
    Id = NewType("Id", int)
    Names = list[str]
    class Pair(NamedTuple):
        a: Id
        b: Names
    class Thing: pass
    """
    api = _method("(self, p: Pair, t: Thing)", before=before)
    assert api["$defs"]["Pair"]["prefixItems"] == [{"type": "integer"}, {"type": "array", "items": {"type": "string"}}]
    assert api["methods"]["run"]["params"]["properties"]["t"] == {"$comment": "main.py:Thing"}


def test_two_records_of_one_name_stay_apart():
    record = "import dataclasses\n@dataclasses.dataclass\nclass R:\n    {}: int\n"
    before = "import one, two"
    api = _method("(self, a: one.R, b: two.R)", before=before, one=record.format("x"), two=record.format("y"))
    assert set(api["$defs"]) == {"R", "R_2"}


def test_methods_come_from_base_classes_and_overrides_need_no_mark():
    api = _describe(
        {
            "main.py": """
            from mobileops import plugin as p
            from lib.base import Common
            class Demo(Common):
                \"\"\"The class.\"\"\"
                def process(self, data): "Process."
                def shared(self, n: int): ...
                def private(self): ...
                @p.plugin_method
                async def own(self): ...
                @property
                def size(self): ...
                def initialize(self):
                    self.subscribe("device.connected", self.private)
                    self.publish("demo.ready")
                    self.publish(topic)
            """,
            "lib/base.py": """
            from mobileops.plugin import ProcessingPlugin, plugin_method
            class Common(ProcessingPlugin):
                @plugin_method
                def shared(self): ...
            """,
        },
        type="processing",
        events={"subscribes": ["ai.model.*"]},
        permissions=["events.subscribe:ai.model.*"],
    )
    assert list(api["methods"]) == ["own", "process", "shared"]
    assert api["methods"]["shared"]["positional"] == ["n"]
    assert api["methods"]["process"]["description"] == "Process."
    assert (api["class"], api["base_class"], api["complete"]) == ("Demo", "ProcessingPlugin", True)
    assert api["events"] == {"publishes": ["demo.ready"], "subscribes": ["ai.model.*", "device.connected"]}


def test_a_base_from_elsewhere_makes_the_list_incomplete():
    code = HEAD + "from framework import Mixin\nclass Demo(Mixin, ServicePlugin): ...\n"
    assert _describe({"main.py": code})["complete"] is False


@pytest.mark.parametrize("code", ["", "def (", "class Demo: ...", "\x00", "from main import X\nclass D(X): ..."])
def test_without_a_class_the_manifest_still_counts(code):
    declared = {"run": {"description": "Runs", "params": {"type": "object", "properties": {"a": {"type": "string"}}}}}
    api = _describe({"main.py": code}, methods=declared)
    assert (api["class"], api["complete"]) == (None, False)
    assert api["methods"]["run"]["params"] == declared["run"]["params"]


def test_the_source_is_never_executed(tmp_path):
    code = (
        f"open({str(tmp_path / 'ran')!r}, 'w')\n" + HEAD + "class Demo(ServicePlugin):\n    x: open('/dev/null') = 1\n"
    )
    assert _describe({"main.py": code})["class"] == "Demo"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "before",
    [
        "X = Union[X, X]",
        "A = Union[B, B, B]\nB = Union[A, A, A]\nX = A",
        "class X(X, X, X, TypedDict):\n    a: X",
        "X = " + "list[" * 90 + "int" + "]" * 90,
        "X = " + " | ".join(f"Literal[{n}]" for n in range(500)),
        "from main import X",
    ],
    ids=["self", "mutual", "bases", "deep", "wide", "import-of-itself"],
)
def test_types_that_go_round_come_to_an_end(before):
    assert "run" in _method("(self, x: X)", before=before)["methods"]


def test_a_docstring_that_is_no_text_does_not_break_the_document():
    code = HEAD + "class Demo(ServicePlugin):\n    '\\ud800 odd'\n    @plugin_method\n    def run(self): '\\udfff'\n"
    assert _describe({"main.py": code})["description"] == "? odd"


def test_a_file_that_cannot_be_read_is_left_to_packing(tmp_path):
    (tmp_path / "main.py").mkdir()
    files = {"main.py": tmp_path / "main.py"}
    assert json.loads(describe_files(parse(json.dumps(MANIFEST).encode()), files))["class"] is None


def test_the_table_of_methods_that_the_sdk_marks_is_that_of_the_sdk():
    marked = {
        cls.__name__: frozenset(name for name, value in vars(cls).items() if getattr(value, methods.MARK, False))
        for cls in kinds.BASE_CLASSES.values()
    }
    assert {name: found for name, found in marked.items() if found} == extraction._MARKED_BY_BASE


def test_the_example_shows_its_methods():
    folder = Path(__file__).resolve().parents[4] / "examples" / "data-processor"
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.py")}
    api = json.loads(describe_files(parse((folder / "plugin.json").read_bytes()), files))
    assert (api["base_class"], "process" in api["methods"]) == ("ProcessingPlugin", True)
