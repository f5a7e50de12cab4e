"""`xaitui report`: what runs gave, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from xaitui.cli.arguments import RunsDir
from xaitui.cli.compare import RunWords
from xaitui.cli.output.streams import put
from xaitui.errors import UsageError
from xaitui.runs.directory import STUDIES, RunDirectory
from xaitui.runs.find import STUDY, find_runs
from xaitui.runs.folder import runs_folder
from xaitui.system.atomic_files import write_atomic
from xaitui.text import printable


def command(
    words: RunWords,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE.html",
            help="Default: in the run's or study's folder, or here.",
            show_default=False,
        ),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(
            "--markdown",
            metavar="FILE.md",
            help="Write Markdown too, its figures in a folder beside it.",
            show_default=False,
        ),
    ] = None,
    runs_dir: RunsDir = None,
) -> int:
    """Write one HTML file of runs: settings, curves, tables, confusion, sample mistakes, environment."""
    from xaitui.report.build import build_report
    from xaitui.report.html import to_html
    from xaitui.report.markdown import write_markdown

    folder = runs_folder(runs_dir)
    runs = find_runs(words, folder)
    place = out or _default_place(words, runs, folder)
    found_by = [*words, *(["--runs-dir", str(runs_dir)] if runs_dir is not None else [])]
    report = build_report(runs, found_by, _title(words, runs))
    path = place
    try:
        write_atomic(place, to_html(report))
        if markdown is not None:
            path = markdown
            write_markdown(report, markdown)
    except OSError as error:
        raise UsageError(f"cannot write {printable(path)}: {error.strerror}; choose another file") from None
    for written in filter(None, (place, markdown)):
        put(f"report {printable(written.absolute())}")
    return 0


def _is_study(words: Sequence[str]) -> bool:
    return len(words) == 1 and words[0].startswith(STUDY) and "/" not in words[0]


def _default_place(words: Sequence[str], runs: Sequence[RunDirectory], folder: Path) -> Path:
    if _is_study(words):
        return folder / STUDIES / words[0].removeprefix(STUDY) / "report.html"
    return runs[0].path / "report.html" if len(runs) == 1 else Path("report.html")


def _title(words: Sequence[str], runs: Sequence[RunDirectory]) -> str:
    if _is_study(words):
        return f"Study {words[0].removeprefix(STUDY)}"
    return runs[0].id if len(runs) == 1 else f"{len(runs)} runs compared"
