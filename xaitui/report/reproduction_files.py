"""The files of a reproduced experiment: a table as Markdown and CSV, a figure as PNG and SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xaitui.errors import XaituiError
from xaitui.report.figures import curve_figure, save_figure
from xaitui.report.reproduction import RULE, Reproduction, claim_lines, table_of, text_of
from xaitui.report.tables import markdown_text, to_csv, to_markdown
from xaitui.system.atomic_files import write_atomic


def write_reproduction(found: Reproduction, folder: Path, command: str) -> list[Path]:
    """Write all files of an experiment into a folder; the paths, the Markdown first.

    Raises:
        XaituiError: they cannot be written.
    """
    stem = folder / found.experiment.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(stem.with_suffix(".md"), markdown(found, command))
        write_atomic(stem.with_suffix(".csv"), to_csv(table_of(found)))
        pictures: Sequence[Path] = ()
        if found.curves:
            figure = curve_figure(
                found.curves,
                title=found.experiment.title,
                x_label="epoch",
                y_label="validation accuracy (%)",
                note=found.cut,
            )
            pictures = save_figure(figure, stem)
    except OSError as error:
        raise XaituiError(f"cannot write {folder}: {error.strerror}") from None
    return [stem.with_suffix(".md"), stem.with_suffix(".csv"), *pictures]


def markdown(found: Reproduction, command: str) -> str:
    """The whole experiment as a page."""
    title = markdown_text(found.experiment.title)
    lines = [f"# {title}", ""]
    lines += [f"**{markdown_text(found.cut)}.**", ""] if found.cut else []
    lines += [] if found.is_complete else ["**Not complete: some runs are still to come.**", ""]
    lines += [
        f"Made by `{command}`. {found.sizes}; seeds: {found.seeds}.",
        "Accuracy in percent, mean ± standard deviation over the seeds.",
        "",
        to_markdown(table_of(found)),
    ]
    lines += [f"- {markdown_text(line)}" for line in claim_lines(found)]
    lines += [f"- {remark}" for remark in found.experiment.remarks]
    seconds = "; ".join(f"{markdown_text(label)} {text_of(each)}" for label, each in found.epoch_seconds)
    lines += [
        "",
        f"Rule: {RULE}",
        "",
        f"Seconds of an epoch, evaluation included, on the machine that ran it: {seconds}.",
    ]
    lines += ["", f"![{title}]({found.experiment.name}.svg)"] if found.curves else []
    return "\n".join(lines) + "\n"
