"""The AI Core: models in processes of their own, here without the sandbox."""

from __future__ import annotations

import asyncio
import importlib.util
import signal
import sys
from pathlib import Path

import pytest

from mobileops.errors import CallError
from mobileops.runtime.channel.rpc import Frame, Kind
from mobileops.runtime.platform import ai
from mobileops.runtime.platform.assets import Assets
from mobileops.runtime.platform.inference import Loaded, answer, words
from tests.fakes.together import Bench, call, until

EXAMPLE = Path(__file__).parents[4] / "examples" / "sentiment"
MODEL = EXAMPLE / "sentiment-analysis.onnx"
CODE = """
from mobileops.plugin import ProcessingPlugin, plugin_method

class Curious(ProcessingPlugin):
    def initialize(self):
        self.heard = []
        self.subscribe("ai.model.loaded", self.heard.append)

    @plugin_method
    def facts(self, reference):
        model = self.load_model(reference)
        return [model.name, list(model.labels), [one.type for one in model.inputs], [one.name for one in model.outputs]]

    @plugin_method
    def predict(self, reference, value):
        found = self.load_model(reference).predict(value)
        return [found.label, found.confidence, list(found), found.tolist(), len(found), found[0], bool(found)]

    @plugin_method
    def infer(self, value):
        return self.get_platform_api().ai.inference(model="sentiment-analysis", input=value).label

    @plugin_method
    def heard_of(self):
        return self.heard
"""


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    with MODEL.open("rb") as stream:
        Assets(bench.home).add("sentiment-analysis", stream)
    yield bench
    bench.launcher.close()


def install(bench, *permissions, **plugin):
    bench.install("curious", CODE, "events.subscribe:ai.model.*", *permissions, type="processing", **plugin)


def run(bench, *calls):
    """Make calls one after the other, and return what each gave, or the code of its error."""

    async def scenario():
        found = []
        async with bench.running("curious") as one:
            for words in calls:
                try:
                    found.append(await call(one, "curious", *words))
                except CallError as error:
                    found.append(error.code)
        return found

    return asyncio.run(scenario())


def test_the_shipped_model_tells_praise_from_blame(bench):
    install(bench, "api.platform.ai")
    praise, blame, facts, heard = run(
        bench,
        ("infer", "I love it, wonderful and easy"),
        ("infer", "terrible, slow and useless"),
        ("facts", "sentiment-analysis"),
        ("heard_of",),
    )
    assert (praise, blame) == ("positive", "negative")
    assert facts == ["sentiment-analysis", ["negative", "positive"], ["tensor(string)"], ["probabilities"]]
    assert heard == [{"model_name": "sentiment-analysis"}]


def test_a_prediction_is_its_first_output_too(bench):
    install(bench, "api.platform.ai")
    ((label, confidence, listed, again, length, first, true),) = run(
        bench, ("predict", "sentiment-analysis", "wonderful")
    )
    assert (label, confidence, listed, length, first, true) == ("positive", listed[1], again, 2, listed[0], True)


def test_a_model_in_the_plugins_own_files_is_loaded_by_its_suffix(bench, tmp_path):
    own = tmp_path / "curious" / "models" / "own.onnx"
    own.parent.mkdir(parents=True)
    own.write_bytes(MODEL.read_bytes())
    install(bench, "api.platform.ai")
    calls = [("models/own.onnx", "good"), ("models/no.onnx", "good"), ("../curious/own.onnx", "x"), ("/a.onnx", "x")]
    found = run(bench, *(("predict", *one) for one in calls))
    assert found[0][0] == "positive"
    assert found[1:] == ["MOP5320"] * 3


def test_what_cannot_be_done_is_an_error_with_its_code(bench):
    install(bench, "api.platform.ai")
    with (EXAMPLE / "train.py").open("rb") as stream:
        Assets(bench.home).add("no-model", stream)
    found = run(
        bench,
        ("facts", "no-such-asset"),
        ("facts", "model.pkl"),
        ("facts", "models/x"),
        ("facts", None),
        ("facts", "no-model"),
        ("infer", 5),
        ("infer", {"a": 1}),
        ("infer", "still well"),
    )
    assert found == ["MOP5310", "MOP5321", "MOP5321", "MOP5321", "MOP5318", "MOP5317", "MOP5317", "positive"]


def test_without_the_permission_no_model_is_loaded(bench):
    install(bench, "api.platform.assets")
    assert run(bench, ("infer", "good"), ("facts", "sentiment-analysis")) == ["MOP4311", "MOP4311"]
    assert bench.launcher.running() == 0


def test_without_the_extra_the_command_that_installs_it_is_named(bench, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "onnxruntime" else found(name, *rest)
    )
    install(bench, "api.platform.ai")
    assert run(bench, ("infer", "good")) == ["MOP5315"]
    assert ai.INSTALL == "pip install 'mobileops-runtime[ai]'"


def test_a_model_that_does_not_answer_is_ended_and_the_next_request_gets_another(bench, monkeypatch):
    install(bench, "api.platform.ai")

    async def scenario():
        async with bench.running("curious") as one:
            assert await call(one, "curious", "infer", "good") == "positive"
            provider = one.platform._ai()
            process = next(iter(provider._running.values()))
            signal.pidfd_send_signal(process._launched.pidfd, signal.SIGSTOP)
            monkeypatch.setattr(ai, "INFER_DEADLINE_S", 0.1)
            with pytest.raises(CallError) as caught:
                await call(one, "curious", "infer", "good")
            assert caught.value.code == "MOP5318"
            assert process.ended
            monkeypatch.setattr(ai, "INFER_DEADLINE_S", 30.0)
            assert await call(one, "curious", "infer", "good") == "positive"

    asyncio.run(scenario())


def test_a_model_that_nobody_asks_for_any_more_is_ended(bench, monkeypatch):
    install(bench, "api.platform.ai")

    async def scenario():
        async with bench.running("curious") as one:
            await call(one, "curious", "infer", "good")
            (process,) = one.platform._ai()._running.values()
            monkeypatch.setattr(ai, "IDLE_S", 0.0)
            process._leave()

            async def ended():
                return process.ended

            await until(ended)

    asyncio.run(scenario())


def test_the_model_that_was_not_asked_for_longest_makes_room(bench, monkeypatch):
    monkeypatch.setattr(ai, "MAX_MODELS", 1)
    with MODEL.open("rb") as stream:
        Assets(bench.home).add("other", _padded(stream.read()))
    install(bench, "api.platform.ai")

    async def scenario():
        async with bench.running("curious") as one:
            await call(one, "curious", "facts", "sentiment-analysis")
            first = next(iter(one.platform._ai()._running.values()))
            await call(one, "curious", "facts", "other")
            assert first.ended
            assert len(one.platform._ai()._running) == 1
            next(iter(one.platform._ai()._running.values())).busy = 1
            with pytest.raises(CallError) as caught:
                await call(one, "curious", "facts", "sentiment-analysis")
            assert caught.value.code == "MOP5318"

    asyncio.run(scenario())


def _padded(data):
    import io  # noqa: PLC0415

    import onnx  # noqa: PLC0415

    model = onnx.load_from_string(data)
    model.doc_string = "another"
    return io.BytesIO(model.SerializeToString())


def test_a_text_is_cut_into_words():
    assert words("Don't panic: it's 5 o'clock!") == ["don't", "panic", "it's", "5", "o'clock"]


def numbers(tmp_path, labels="[]", kind=1, shape=(None, 2)):
    from onnx import helper  # noqa: PLC0415

    node = helper.make_node("Identity", ["x"], ["y"])
    values = [helper.make_tensor_value_info(name, kind, list(shape)) for name in ("x", "y")]
    graph = helper.make_graph([node], "identity", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"mobileops.labels": labels})
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return Loaded(str(path))


def test_numbers_go_in_and_out_and_one_row_is_classified(tmp_path):
    model = numbers(tmp_path, labels='["a", "b"]')
    assert model.infer([[1, 2]]) == {"outputs": {"y": [[1.0, 2.0]]}, "label": "b", "confidence": 2.0}
    assert model.infer({"x": [[1, 2], [3, 4]]})["label"] is None


def test_a_text_for_a_model_without_words_goes_in_as_it_is(tmp_path):
    assert numbers(tmp_path, kind=8, shape=(None, 1)).infer("As it is")["outputs"] == {"y": [["As it is"]]}


@pytest.mark.parametrize("labels", ["{}", "[1]", "no JSON"])
def test_labels_that_are_none_are_refused(tmp_path, labels):
    with pytest.raises(ValueError, match=r"labels|Expecting"):
        numbers(tmp_path, labels=labels)


def test_an_input_that_does_not_fit_is_an_answer(tmp_path):
    model = numbers(tmp_path)
    for value in ([1, 2, 3], "text", None, {"z": 1}):
        found = answer(model, Frame(Kind.CALL, 7, "infer", {"input": value}))
        assert (found.kind, found.id, found.body["code"]) == (Kind.ERROR, 7, "MOP5317")


def test_training_again_gives_the_shipped_model(monkeypatch):
    import numpy as np  # noqa: PLC0415
    import onnx  # noqa: PLC0415
    from onnx import numpy_helper  # noqa: PLC0415

    spec = importlib.util.spec_from_file_location("sentiment_train", EXAMPLE / "train.py")
    train = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "sentiment_train", train)
    spec.loader.exec_module(train)
    made, measured = train.train()
    shipped = onnx.load(MODEL)
    assert made.graph.node == shipped.graph.node
    for ours, theirs in zip(made.graph.initializer, shipped.graph.initializer, strict=True):
        assert np.allclose(numpy_helper.to_array(ours), numpy_helper.to_array(theirs), atol=1e-4)
    assert measured["held out"] == 40
    assert measured["accuracy held out"] == pytest.approx(0.8, abs=0.03)
