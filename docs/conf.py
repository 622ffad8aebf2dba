"""Sphinx: ``python -m sphinx -W --keep-going -b html docs docs/_build/html`` (needs the extra ``docs``, no network)."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes

import mtlinear

project = "mtlinear"
author = "the mtlinear authors"
copyright = "the mtlinear authors"
version = release = mtlinear.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
root_doc = "index"
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
exclude_patterns = ["_build", "gallery", "**/GALLERY_HEADER.rst", "**/.ipynb_checkpoints"]
templates_path = ["_templates"]
smartquotes = False  # q' is a prime, not a quotation

# Markdown. Headings get the anchors that GitHub gives them, so that one link serves both. `python` blocks are
# Python, and what is indented is a formula or a command.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]
highlight_language = "none"

# API pages. The methods that scikit-learn adds have docstrings with links into scikit-learn's own documentation.
autosummary_generate = True
autosummary_imported_members = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "within_subsection_order": "ExampleTitleSortKey",
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,
    "reset_modules": ("matplotlib",),
    "abort_on_example_error": False,  # an example that fails is a warning, which -W makes an error
    "min_reported_time": 30,
}

html_theme = "pydata_sphinx_theme"
html_title = "mtlinear"
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": [],
}


#: Public names, for links from the pages: `TraceNorm` in Markdown is code on GitHub, and here a link to its page, too.
MODULES = ["penalties", "losses", "metrics", "model_selection", "datasets", "plotting", "kernels", "solvers"]
PUBLIC = {name: f"mtlinear.{name}" for name in mtlinear.__all__} | {
    name: f"mtlinear.{module}.{name}"
    for module in MODULES
    for name in importlib.import_module(f"mtlinear.{module}").__all__
}


def setup(app: Any) -> None:
    app.connect("doctree-read", _leave_text_of_outside_links)
    app.connect("doctree-read", _link_public_names)
    app.connect("autodoc-process-docstring", _show_formulas, priority=400)  # before numpydoc, which has 500


def _link_public_names(app: Any, doctree: Any) -> None:
    """Names, and calls like ``TraceNorm(alpha=1)``, outside of headings and links, in Markdown."""
    if not doctree["source"].endswith(".md"):
        return
    for literal in list(doctree.findall(nodes.literal)):
        name = PUBLIC.get(literal.astext().split("(")[0])
        inside = [parent for parent in _parents(literal) if isinstance(parent, (nodes.title, nodes.reference))]
        if name and not inside and not isinstance(literal.parent, addnodes.pending_xref):
            link = addnodes.pending_xref("", refdomain="py", reftype="obj", reftarget=name, refwarn=False)
            link["refdoc"] = app.env.docname
            literal.replace_self(link)
            link += literal


def _parents(node: Any) -> Iterator[Any]:
    while node.parent is not None:
        node = node.parent
        yield node


def _leave_text_of_outside_links(app: Any, doctree: Any) -> None:
    """Links that lead out of docs/ (README, benchmarks) are for readers on GitHub; here only their text is left."""
    folder = Path(app.srcdir).resolve()
    for link in [*doctree.findall(addnodes.download_reference), *doctree.findall(addnodes.pending_xref)]:
        if isinstance(link, addnodes.pending_xref):  # to a page; MyST has made its path absolute
            leads_out = link.get("refdomain") == "doc" and link["reftarget"] not in app.env.found_docs
        else:
            leads_out = folder not in (Path(doctree["source"]).parent / link["reftarget"]).resolve().parents
        if leads_out:
            link.replace_self(nodes.inline("", "", *link.children))


def _show_formulas(app: Any, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are plain text that reads well in a terminal: what is indented in them is a formula.

    Before the first section, such a paragraph becomes a literal block, so that reST does not look for markup in it, and
    a period in a formula does not end the summary.
    """
    text = "\n".join(lines)
    description, sections = re.match(r"(.*?)((?:(?<=\n\n)[^\n]+\n-{3,}\n.*)?)\Z", text, flags=re.DOTALL).groups()
    paragraphs = description.split("\n\n")
    paragraphs[0] = re.sub(r"``.*?``", _without_end_of_sentence, paragraphs[0], flags=re.DOTALL)
    shown: list[str] = []
    indented = False
    for paragraph in paragraphs:
        if paragraph.startswith("    ") and not indented:
            shown.append("::")
        indented = paragraph.startswith("    ")
        shown.append(paragraph)
    lines[:] = ("\n\n".join(shown) + sections).split("\n")


def _without_end_of_sentence(formula: re.Match[str]) -> str:
    return formula.group().replace(". ", ".\N{WORD JOINER} ")
