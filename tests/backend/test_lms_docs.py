"""What docs/lms.md tells integrators: its example signs requests that the backend accepts."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.lms import LmsBackend

DOCUMENT = (Path(__file__).parents[2] / "docs" / "lms.md").read_text(encoding="utf-8")
BODY = b'{"publicKey":"pub-1","userId":"s1234","groupName":"algebra-1"}'
Functions = dict[str, Callable[..., dict[str, str]]]
PRIVATE_KEY = "0123456789-private"


@pytest.fixture
def functions(tmp_path: Path) -> Functions:
    """The functions of the page's Python example."""
    code = re.search(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
    assert code is not None
    file = tmp_path / "example.py"
    file.write_text(code[1], encoding="utf-8")
    return runpy.run_path(str(file))


def test_the_examples_signatures_are_the_pages_vectors(functions: Functions) -> None:
    mettl = functions["mettl_headers"](BODY, PRIVATE_KEY)["Authorization"]
    url = "https://proctoring.example.org/v1/init?nonce=1"
    ours = functions["signed_headers"]("POST", url, BODY, "pub-1", PRIVATE_KEY, now=1_800_000_000)["Authorization"]
    assert f"`{BODY.decode()}`" in DOCUMENT
    assert f"`{mettl}`" in DOCUMENT
    assert f"`{ours.removeprefix('HMAC-SHA256 ')}`" in DOCUMENT


def test_the_backend_accepts_what_the_example_signs(functions: Functions, tmp_path: Path) -> None:
    with LmsBackend(tmp_path / "data") as backend:
        pair = backend.admit("mettl")
        body = json.dumps({"publicKey": pair["publicKey"], "userId": "s1234", "groupName": "algebra-1"}).encode()
        url = f"{backend.url}/v1/init?nonce=a%20b&again=1"
        ours = functions["signed_headers"]("POST", url, body, pair["publicKey"], pair["privateKey"])
        theirs = functions["mettl_headers"](body, pair["privateKey"])
        for headers in (ours, theirs):
            answer = backend.ask("POST", url, key=None, data=body, headers=headers)
            assert answer.status_code == 200, answer.text
            assert json.loads(answer.json()["data"])["token"]
