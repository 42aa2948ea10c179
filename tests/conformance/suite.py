"""Run the verification cases of a checkout of sigstore-conformance, and print how two clients do.

    python -m tests.conformance.suite FOLDER

The peer is sigstore-python's own program, called with the arguments that the suite's own wrapper gives it. Each case is
tried with the artifact and with its digest, in a process of its own that is forked when both clients are imported, so
that it takes milliseconds. Exit code 1 if a case fails here that passes there, or if the peer accepts nothing.

The cases are not in this repository: clone github.com/sigstore/sigstore-conformance, and name the folder.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

from sigstore import _cli

from tests.conformance import protocol

IDENTITY = (
    "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"
    ".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
)
ISSUER = "https://token.actions.githubusercontent.com"
CASES = Path("test/assets/bundle-verify")
SERVICE = [
    {
        "url": "https://unused.invalid",
        "majorApiVersion": 1,
        "validFor": {"start": "2020-01-01T00:00:00Z"},
        "operator": "",
    }
]
SIGNING = {
    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "caUrls": SERVICE,
    "rekorTlogUrls": SERVICE,
    "rekorTlogConfig": {"selector": "ANY"},
    "tsaConfig": {"selector": "ANY"},
}


class Case:
    """One folder: a bundle, and what else is needed to judge it."""

    def __init__(self, folder, default_artifact):
        self.name = folder.name
        self.accepted = not folder.name.endswith("fail")
        self.bundle = folder / "bundle.sigstore.json"
        own = folder / "artifact"
        self.artifact = own if own.exists() else default_artifact
        self.root = self._file(folder / "trusted_root.json")
        self.key = self._file(folder / "key.pub")
        self.identity = self._text(folder / "identity", IDENTITY)
        self.issuer = self._text(folder / "issuer", ISSUER)

    @staticmethod
    def _file(path):
        return path if path.exists() else None

    @staticmethod
    def _text(path, default):
        return path.read_text().strip() if path.exists() else default

    def inputs(self):
        """Return the artifact as a path and as a digest."""
        return str(self.artifact), f"sha256:{hashlib.sha256(self.artifact.read_bytes()).hexdigest()}"


def ours(case, artifact):
    """Ask this project's client."""
    words = ["verify-bundle", "--bundle", str(case.bundle)]
    if case.key:
        words += ["--key", str(case.key)]
    else:
        words += ["--certificate-identity", case.identity, "--certificate-oidc-issuer", case.issuer]
    if case.root:
        words += ["--trusted-root", str(case.root)]
    return protocol.main([*words, artifact])


def peer(case, artifact):
    """Ask the program of sigstore-python, as the wrapper of the suite does."""
    root = json.loads((case.root or protocol.PUBLIC_ROOT).read_text())
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        json.dump({"mediaType": protocol.CONFIG_TYPE, "trustedRoot": root, "signingConfig": SIGNING}, config)
        config.flush()
        words = ["--trust-config", config.name, "verify", "identity", "--bundle", str(case.bundle), "--offline"]
        if case.key:
            words += ["--key", str(case.key)]
        else:
            words += ["--cert-identity", case.identity, "--cert-oidc-issuer", case.issuer]
        _cli.main([*words, artifact])
    return 0


def accepts(client, case, artifact):
    """Return whether a client accepts a case, in a process of its own and without its output."""
    child = os.fork()
    if child == 0:
        silent = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silent, stream)
        code = 1
        try:
            code = client(case, artifact)
        except SystemExit as ended:
            code = int(ended.code not in {0, None})
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def cases_of(checkout):
    """Return the cases, by name."""
    folders = sorted(path for path in (checkout / CASES).iterdir() if path.is_dir())
    return [Case(folder, checkout / CASES / "a.txt") for folder in folders]


def judge(case):
    """Return for both clients whether they are right about a case, with the artifact and with its digest."""
    return {
        name: [accepts(client, case, artifact) == case.accepted for artifact in case.inputs()]
        for name, client in (("ours", ours), ("sigstore-python", peer))
    }


def run(checkout):
    """Print the table and return the exit code."""
    judged = {case: judge(case) for case in cases_of(checkout)}
    print(f"{'case':58} {'accept':6}  {'ours':11}  sigstore-python")
    for case, results in judged.items():
        mine, theirs = (" ".join("pass" if right else "FAIL" for right in results[name]) for name in results)
        print(f"{case.name:58} {'yes' if case.accepted else 'no':6}  {mine:11}  {theirs}")
    for name in ("ours", "sigstore-python"):
        print(f"{name}: {sum(sum(results[name]) for results in judged.values())} of {2 * len(judged)}")
    if not any(case.accepted and all(results["sigstore-python"]) for case, results in judged.items()):
        print("sigstore-python accepts nothing: the comparison is void")
        return 1
    worse = [
        case.name
        for case, results in judged.items()
        if any(there and not here for here, there in zip(results["ours"], results["sigstore-python"], strict=True))
    ]
    if worse:
        print(f"worse than sigstore-python: {', '.join(worse)}")
    return 1 if worse else 0


def main(words=None):
    """Read the command line, and run."""
    summary, _, rest = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        prog="python -m tests.conformance.suite",
        description=summary,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="a checkout of github.com/sigstore/sigstore-conformance")
    options = parser.parse_args(words)
    if not (options.folder / CASES).is_dir():
        parser.error(f"{str(options.folder)!r} is no checkout of sigstore-conformance: it has no folder {CASES}")
    return run(options.folder)


if __name__ == "__main__":
    sys.exit(main())
