"""report.html: the question, the answer, the table, the pictures, and how it was computed; one file, no links."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from mtlinear.compare._answer import certificate, format_gain, gain_measure, losers, verdict
from mtlinear.compare._best import BestModel
from mtlinear.compare._console import table_cells
from mtlinear.compare._models import NORM_RATIO, QUADRATIC_RATIO
from mtlinear.compare._pictures import (
    gain_picture,
    matrix_picture,
    score_picture,
    similarity_picture,
    structure_picture,
)
from mtlinear.compare._results import Comparison, TaskGain, correlation
from mtlinear.compare._scores import pooling_meaning, score_meaning

_CSS = """
:root { color-scheme: light; --ink: #222831; --soft: #5b6470; --line: #e3e6ea; --accent: #0072B2; --bad: #B34700; }
* { box-sizing: border-box; }
body { margin: 0; background: #f5f6f8; color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 2.2rem 1.2rem 4rem; }
h1 { font-size: 1.65rem; line-height: 1.25; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 0 0 .7rem; }
.about { color: var(--soft); margin: 0 0 1.4rem; }
section { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 1.2rem 1.4rem; }
section { margin: 0 0 1.2rem; }
.answer { border-left: 5px solid var(--accent); font-size: 1.12rem; }
.answer p { margin: .2rem 0; }
.warning { border-left: 5px solid var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .42rem .7rem .42rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
td.number, th.number { text-align: right; white-space: nowrap; }
tr.best td { font-weight: 650; background: #eef6fb; }
td.gain { color: var(--accent); } td.loss { color: var(--bad); }
td small { display: block; color: var(--soft); font-weight: 400; }
figure { margin: 0; } figure img { max-width: 100%; height: auto; display: block; margin: 0 auto; }
figcaption, .note { color: var(--soft); font-size: .9rem; margin-top: .6rem; }
ul { margin: .2rem 0; padding-left: 1.2rem; } li { margin: .25rem 0; }
summary { cursor: pointer; color: var(--accent); }
footer { color: var(--soft); font-size: .85rem; }
"""


def render_report(comparison: Comparison, best: BestModel, feature_names: Sequence[str], command: str) -> str:
    """The whole page.

    Parameters
    ----------
    comparison : Comparison
    best : BestModel
    feature_names : sequence of str
        Of the rows of the parameter matrices.
    command : str
        The command that made the report.
    """
    data = comparison.data
    gains = comparison.gains()
    name = comparison.best.model.name if comparison.best else ""
    warning = " warning" if comparison.tally.uncertified else ""
    sections = [
        f'<section class="answer"><p>{escape(verdict(comparison))}</p></section>',
        f'<section><h2>Scores</h2><div class="scroll">{_table(comparison)}</div>'
        f'<p class="note">{escape(f"{score_meaning(data)} {pooling_meaning(data)}".strip())}</p></section>',
        _section(
            "How the models differ from single-task models",
            _image("Differences to single-task models", score_picture(comparison)),
            "Differences paired by split, the same as in the table. Whiskers: two standard errors. Dashed: no "
            "difference. Larger is better.",
        ),
        _section(
            "Who gains and who loses by sharing",
            _image("Gain of every task", gain_picture(gains, data.classification, name)),
            f"{losers(gains, data.classification)} A gain is the {gain_measure(data)}. Whiskers: two standard errors.",
            _gain_table(gains, data.classification, name),
        ),
        _best_section(comparison, best),
        _section(
            "What the models have learned",
            _image("Parameters of all models", matrix_picture(comparison, feature_names, best.parameters)),
            "Parameters fitted on the training rows of the first split: a row per feature, a column per task, tasks in "
            "the order of the section above, one colour scale for all (blue negative, red positive, white zero; the "
            "largest one percent are saturated).",
        ),
        f'<section class="{warning.strip()}"><h2>How it was computed</h2>{_method(comparison, best)}</section>',
    ]
    title = f"Does multi-task learning help on {data.name}?"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_CSS}</style></head><body><main>"
        f"<h1>{escape(title)} And which structure fits?</h1>"
        f'<p class="about">{escape(data.description)}.</p>'
        + "\n".join(sections)
        + f"<footer>Made by <code>{escape(command)}</code></footer></main></body></html>\n"
    )


def _table(comparison: Comparison) -> str:
    head, lines = table_cells(comparison)
    kinds = ["", "number", "number", "number", ""]
    cells = "".join(f'<th class="{kind}">{escape(text)}</th>' for kind, text in zip(kinds, head, strict=True))
    body = []
    for row, line in zip(comparison.rows, lines, strict=True):
        gain = ""
        if row.difference is not None and row.difference.notable:
            gain = " gain" if row.difference.mean > 0 else " loss"
        texts = [escape(text) for text in line]
        texts[0] += f"<small>{escape(row.model.belief)}</small>"
        classes = ["", "number", "number" + gain, "number", ""]
        inner = "".join(f'<td class="{kind}">{text}</td>' for kind, text in zip(classes, texts, strict=True))
        body.append(f'<tr class="{"best" if row is comparison.best else ""}">{inner}</tr>')
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _section(title: str, images: str, caption: str, more: str = "") -> str:
    return (
        f"<section><h2>{escape(title)}</h2><figure>{images}<figcaption>{escape(caption)}</figcaption></figure>{more}"
        "</section>"
    )


def _image(title: str, svg: str) -> str:
    # As an image: the ids inside of one SVG would clash with those of the next.
    source = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    return f'<img alt="{escape(title)}" src="{source}">'


def _best_section(comparison: Comparison, best: BestModel) -> str:
    """The model that is saved: its matrix, how similar its tasks are, and its clusters."""
    clusters, parameters = best.clusters, best.parameters
    order = "by cluster" if clusters else "so that tasks with similar parameters are neighbours"
    images = _image("Parameters of the best model", structure_picture(parameters))
    caption = (
        "The model in best_model.joblib, fitted on all rows: parameters of the standardised features, a row per "
        f"feature (those that most tasks use first), a column per task, sorted {order}."
    )
    if parameters.n_tasks > 1:
        images += _image("Similarity of the tasks", similarity_picture(parameters))
        caption += (
            " Below, the correlation of the tasks' parameters; where all are above 0.9, that of their deviations from"
            " the mean of the tasks."
        )
    lines = "".join(
        f"<li>cluster {k}: {escape(', '.join(tasks))}</li>" for k, tasks in enumerate(clusters or [], start=1)
    )
    name = comparison.best.model.name if comparison.best else ""
    return _section(f"The best model: {name}, {best.label}", images, caption, f"<ul>{lines}</ul>" if lines else "")


def _gain_table(gains: Sequence[TaskGain], classification: bool, best: str) -> str:
    measure = "ROC AUC" if classification else "mean squared error"
    what = "difference" if classification else "reduction"
    head = ("task", f"{measure}, single-task", f"{measure}, {best}", f"{what} ± SE")
    lines = []
    for gain in gains:
        kind = "gain" if gain.gain.mean >= 0 else "loss"
        error = format_gain(gain.gain.error, classification).lstrip("+")
        lines.append(
            f'<tr><td>{escape(gain.task)}</td><td class="number">{gain.single:.4f}</td>'
            f'<td class="number">{gain.shared:.4f}</td>'
            f'<td class="number {kind}">{format_gain(gain.gain.mean, classification)} ± {error}</td></tr>'
        )
    cells = f"<th>{head[0]}</th>" + "".join(f'<th class="number">{escape(text)}</th>' for text in head[1:])
    table = f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    return f'<details><summary>All {len(gains)} tasks</summary><div class="scroll">{table}</div></details>'


def _method(comparison: Comparison, best: BestModel) -> str:
    items = [certificate(comparison.tally, comparison.settings.tol)]
    items += split_lines(comparison) + choice_lines(comparison) + error_lines(comparison)
    gap = "certified as all others" if best.converged else "WARNING: not certified, its duality gap is larger"
    name = comparison.best.model.name if comparison.best else ""
    items.append(
        f"best_model.joblib is the {name} model with {best.label}, chosen by "
        f"{comparison.settings.inner_folds}-fold cross-validation on all {comparison.data.n_rows:,} rows and fitted on "
        f"all of them ({gap})."
    )
    items += [f"Columns: {note}." for note in comparison.data.notes]
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def split_lines(comparison: Comparison) -> list[str]:
    """How rows were split into training and test rows."""
    settings, first = comparison.settings, comparison.splits[0]
    sizes = f"{len(first.train):,} training and {len(first.test):,} test rows"
    if settings.train_size is None:
        how = f"{settings.folds}-fold cross-validation, about {sizes} in each fold"
    else:
        how = f"{settings.folds} random splits into {sizes}"
    by = " and every class" if comparison.data.classification else ""
    lines = [f"{how}, with every task{by} in the same proportion in every part, the same for all models."]
    left_out = sum(result.score.left_out for row in comparison.rows[:1] for result in row.folds)
    if left_out:
        lines.append(
            f"{left_out} times a task could not be scored in a split (one class or one value only) and was left out."
        )
    return lines


def choice_lines(comparison: Comparison) -> list[str]:
    """Which candidates there were and how one was chosen."""
    settings = comparison.settings
    scaled = ", and so are the targets." if comparison.data.scales_targets else "."
    lines = [
        f"Each model has {settings.candidates} candidates: its variants share them evenly, with alpha evenly spaced on "
        f"a log scale below alpha_max, where A becomes zero, down to {NORM_RATIO:g} of it (quadratic penalties: from "
        f"ten times the curvature of the data down to {QUADRATIC_RATIO:g} of that). alpha is common to all tasks, in "
        "single-task models too.",
        f"Per split, {settings.inner_folds}-fold cross-validation on the training rows chooses the candidate with the "
        "best mean score; it is fitted again on all training rows and scored on the test rows, which had no say. "
        "Features are standardised by the training rows of each fit" + scaled,
    ]
    edges = [f"{row.model.name} {row.at_edge} of {len(row.folds)}" for row in comparison.rows if row.at_edge]
    if edges:
        lines.append(f"At an end of the range of alpha, so a better one may lie outside: {', '.join(edges)}.")
    return lines


def error_lines(comparison: Comparison) -> list[str]:
    """What the standard errors are, and what they are not."""
    rho = correlation(comparison.splits)
    return [
        f"Standard errors: s sqrt(1/K + rho/(1 - rho)) over the K = {len(comparison.splits)} splits, with the "
        f"correlation between splits taken as rho = {rho:.2g}, the share of the smaller of training and test rows "
        "(after Nadeau & Bengio 2003, who take the share of test rows): splits have rows in common, so the plain "
        "s / sqrt(K) would be too small. "
        "Differences are paired by split. These are rough: few splits, and a heuristic correlation.",
        f"The best structure is picked by the scores that are reported. So its gain is called clear only from "
        f"{comparison.clear:.1f} standard errors on: the 5 % quantile of Student's t with {len(comparison.splits) - 1} "
        f"degrees of freedom for {_among(comparison.n_structures)}. The gains of single tasks are not "
        "corrected in this way: among many tasks some are large by chance.",
    ]


def _among(n_structures: int) -> str:
    return f"the best of {n_structures} (Bonferroni)" if n_structures > 1 else "one structure"
