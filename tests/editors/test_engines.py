from __future__ import annotations

import json
import subprocess
import sys

from mobileops.manifest import _generated
from tests.editors import cases
from tests.editors.language_server import SCHEMA, modules


def ajv(texts):
    command = ["node", "ajv_strict.mjs", str(SCHEMA)]
    done = subprocess.run(
        command, cwd=modules(), input="\n".join(texts), capture_output=True, encoding="utf-8", check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_check_jsonschema_finds_the_schema_well_formed():
    command = [sys.executable, "-m", "check_jsonschema", "--check-metaschema", str(SCHEMA)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ajv_in_strict_mode_takes_the_schema_and_every_valid_example():
    verdicts = ajv([text for _, text in cases.documents("valid")])
    assert len(verdicts) >= 20
    assert all(verdicts)


def test_ajv_refuses_what_the_generated_validator_refuses():
    texts = [text for _, text in cases.documents("invalid")]
    assert ajv(texts) == [not _generated.validate(json.loads(text)) for text in texts]
