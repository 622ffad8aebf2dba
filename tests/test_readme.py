"""The README's examples run, in order, as one session; its commands are those of CI."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def test_examples_run(capsys):
    namespace: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert len(blocks) >= 4
    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)
    printed = capsys.readouterr().out
    assert "True" in printed
    assert "ParameterMatrix(64 features x 10 tasks" in printed


@pytest.mark.parametrize("page", ["kernels.md"])
def test_examples_of_the_docs_run(page, capsys):
    namespace: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(), flags=re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        exec(compile(block, page, "exec"), namespace)
    assert "MultiTaskGPKernel" in capsys.readouterr().out


def test_ci_runs_the_readmes_test_command():
    command = 'pip install ".[test]" && pytest'
    assert command in README.read_text()
    assert command in (ROOT / ".ci" / "run").read_text()


def test_pictures_exist():
    for picture in re.findall(r"\]\((docs/[^)]+)\)", README.read_text()):
        assert (ROOT / picture).exists()
