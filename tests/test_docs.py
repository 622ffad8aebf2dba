"""The pages of the documentation: examples run and print what they say, links lead somewhere, Sphinx builds the site.

In the pages that are run here, a comment after a ``print`` is what it prints. A block of Python that cannot run begins
with the comment ``# Not run by the tests:`` and the reason.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import io
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
#: What Sphinx makes.
MADE = {"_build", "api", "auto_gallery"}
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])
    if not MADE & set(path.relative_to(DOCS).parts if DOCS in path.parents else ())
}
#: Pages whose examples another test runs, and its file.
RUN_ELSEWHERE = {
    "README.md": "test_readme.py",
    "docs/kernels.md": "test_readme.py",
    "docs/drop_in.md": "test_sklearn_own.py",
    "docs/scikit_learn.md": "test_sklearn_tools.py",
    "docs/streaming.md": "test_partial_fit.py",
}
NOT_RUN = "# Not run by the tests: "


def blocks_of(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


WITH_EXAMPLES = [name for name, text in PAGES.items() if blocks_of(text)]


def run(page: str, block: str, namespace: dict[str, object]) -> Iterator[tuple[str, str, str]]:
    """Run the statements one by one; yield for those with a comment behind: source, what is printed, the comment."""
    lines = block.splitlines()
    for statement in ast.parse(block).body:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(ast.Module([statement], []), page, "exec"), namespace)
        source = "\n".join(lines[statement.lineno - 1 : statement.end_lineno])
        _, _, comment = lines[statement.end_lineno - 1][statement.end_col_offset :].partition("# ")
        if source.startswith("print(") and comment:
            yield source, printed.getvalue().rstrip("\n"), comment


@pytest.mark.parametrize("page", [name for name in WITH_EXAMPLES if name not in RUN_ELSEWHERE])
def test_examples_run_and_print_what_the_page_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # for pages that write files
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("Agg")
    namespace: dict[str, object] = {}
    for block in blocks_of(PAGES[page]):
        if block.startswith(NOT_RUN):
            continue
        for source, printed, said in run(page, block, namespace):
            assert printed == said, source
    plt.close("all")


def test_every_example_is_run_somewhere():
    for page, file in RUN_ELSEWHERE.items():
        assert page in WITH_EXAMPLES
        assert Path(page).name in (ROOT / "tests" / file).read_text(encoding="utf-8"), page
    skipped = [block for page in PAGES.values() for block in blocks_of(page) if block.startswith(NOT_RUN)]
    assert all(len(block.splitlines()[0]) > len(NOT_RUN) + 10 for block in skipped)  # with a reason


def test_the_runner_notices_a_wrong_comment_and_an_error():
    found = list(run("page", "x = 1\nprint(x)  # 2\nprint(\n    x\n)  # 1\nprint(x)\n", {}))
    assert [(printed, said) for _, printed, said in found] == [("1", "2"), ("1", "1")]
    with pytest.raises(NameError):
        list(run("page", "print(nothing)\n", {}))


# Links ----------------------------------------------------------------------------------------------------------------


def without_code(text: str) -> str:
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "code", re.sub(r"^    .*$", "", text, flags=re.MULTILINE))


def anchors(text: str) -> set[str]:
    """Those that GitHub makes of headings."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    folder = (ROOT / page).parent
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(PAGES[page])):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (folder / path).resolve() if path else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


def test_anchors_are_githubs():
    text = "# The losses (`losses/`)\n## Sparse + low rank\n```\n# no heading\n```\n"
    assert anchors(text) == {"the-losses-losses", "sparse--low-rank"}


# The site -------------------------------------------------------------------------------------------------------------


def test_every_page_is_in_the_menu():
    menus = {"docs/index.md": "", "docs/structures.md": ""}
    listed = set()
    for page in menus:
        for menu in re.findall(r"```\{toctree\}\n(.*?)```", PAGES[page], flags=re.DOTALL):
            listed |= {line for line in menu.splitlines() if line and not line.startswith(":")}
    pages = {name.removeprefix("docs/").removesuffix(".md") for name in PAGES if name.startswith("docs/")}
    assert pages - {"index"} == listed - {"api", "auto_gallery/index"}


def test_every_public_name_is_in_the_api_reference():
    text = (DOCS / "api.rst").read_text(encoding="utf-8")
    listed: dict[str, set[str]] = {}
    module = ""
    for line in text.splitlines():
        if line.startswith(".. currentmodule:: "):
            module = line.removeprefix(".. currentmodule:: ")
        elif re.fullmatch(r"   \w+", line):
            listed.setdefault(module, set()).add(line.strip())
    for module, names in listed.items():
        public = getattr(importlib.import_module(module), "__all__", None)
        if public is None or module == "mtlinear.designs":  # below the API: the main names only
            assert all(hasattr(importlib.import_module(module), name) for name in names), module
            continue
        shown = {
            name
            for name in public
            if inspect.isclass(value := getattr(importlib.import_module(module), name)) or inspect.isfunction(value)
        }
        assert names <= set(public), module
        assert names >= shown, module
        assert all(name in names or name in text for name in public), module
    packages = {f"mtlinear.{path.parent.name}" for path in (ROOT / "mtlinear").glob("*/__init__.py")}
    assert packages - set(listed) == {"mtlinear.estimators", "mtlinear.datafit", "mtlinear.compare"}


@pytest.mark.slow
@pytest.mark.parametrize("script", sorted((DOCS / "gallery").glob("plot_*.py")), ids=lambda path: path.stem)
def test_every_script_of_the_gallery_runs_and_draws(script, tmp_path, monkeypatch):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("Agg")
    plt.close("all")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script), run_name="__main__")
    assert plt.get_fignums()
    plt.close("all")


@pytest.mark.slow
def test_sphinx_builds_the_site_without_a_warning(tmp_path):
    """All but running the gallery, which the test above does with several processes."""
    for module in ("sphinx", "pydata_sphinx_theme", "numpydoc", "sphinx_gallery", "myst_parser"):
        pytest.importorskip(module)
    options = ["-q", "-W", "--keep-going", "-D", "plot_gallery=0", "-d", str(tmp_path / "doctrees")]
    command = [sys.executable, "-m", "sphinx", *options, "-b", "html", str(DOCS), str(tmp_path / "html")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "html" / "api" / "mtlinear.TraceNormRegressor.html").exists()
