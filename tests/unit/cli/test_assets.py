from __future__ import annotations

import hashlib
import json
from pathlib import Path

import jsonschema
import pytest

SCHEMA = json.loads((Path(__file__).parents[3] / "schema/cli/assets.v1.schema.json").read_text())
DIGEST = f"sha256:{hashlib.sha256(b'weights').hexdigest()}"


@pytest.fixture
def model(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"weights")


@pytest.mark.usefixtures("model")
def test_an_asset_is_added_listed_and_removed(mobileops):
    assert mobileops("assets", "add", "model", "model.onnx", "--digest", DIGEST) == (
        0,
        f"Added model {DIGEST} 7 bytes\n",
        "",
    )
    code, out, _err = mobileops("assets", "list")
    assert code == 0
    assert out.split()[:5] == ["NAME", "SIZE", "ADDED", "DIGEST", "model"]
    assert mobileops("assets", "remove", "model")[1].startswith("Removed model ")
    assert mobileops("assets", "list") == (0, "", "no assets; mobileops assets add NAME FILE stores one\n")


@pytest.mark.usefixtures("model")
def test_json_is_what_the_schema_says(mobileops):
    for words in (("add", "model", "model.onnx"), ("list",), ("remove", "model")):
        code, out, _err = mobileops("assets", *words, "--json")
        assert code == 0
        jsonschema.validate(json.loads(out), SCHEMA)


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("add", "model", "model.onnx", "--digest", f"sha256:{'0' * 64}"), 3, "MOP5311"),
        (("add", "Model", "model.onnx"), 2, "MOP5314"),
        (("add", "model", "no-such-file"), 1, "MOP5316"),
        (("add", "model", "."), 1, "MOP5316"),
        (("add", "model"), 2, "'assets add' takes NAME and FILE"),
        (("list", "model"), 2, "'assets list' takes no name"),
        (("remove", "model", "--digest", DIGEST), 2, "MOP7003"),
        (("remove", "modle"), 1, "mobileops assets list"),
    ],
)
def test_a_mistake_is_named_with_its_exit_code(mobileops, words, code, says):
    got, out, err = mobileops("assets", *words)
    assert (got, out) == (code, "")
    assert says in err


@pytest.mark.usefixtures("model")
def test_a_mistyped_name_gets_a_suggestion(mobileops):
    mobileops("assets", "add", "model", "model.onnx")
    assert "did you mean 'model'" in mobileops("assets", "remove", "modle")[2]
