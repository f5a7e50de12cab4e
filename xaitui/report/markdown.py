"""A report as Markdown, with its figures and pictures in a folder beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from xaitui.report.document import Block, Drawing, Picture, Report, Section
from xaitui.report.figures import save_figure
from xaitui.report.tables import Table, markdown_text, to_markdown
from xaitui.system.atomic_files import write_atomic
from xaitui.text import printable


def write_markdown(report: Report, path: Path) -> None:
    """Write the file, and what it shows into the folder ``<stem>_figures`` beside it.

    Raises:
        OSError: they cannot be written.
    """
    folder = path.with_name(f"{path.stem}_figures")
    folder.mkdir(exist_ok=True)
    write_atomic(path, "\n".join(_lines(report, folder)) + "\n")


def _lines(report: Report, folder: Path) -> Iterator[str]:
    yield f"# {markdown_text(report.title)}"
    for warning in report.warnings:
        yield from ("", f"**{markdown_text(warning)}**")
    for section in report.sections:
        yield from _section_lines(section, folder)
    yield from ("", f"This report: {_code(report.command)}")


def _section_lines(section: Section, folder: Path) -> Iterator[str]:
    yield from ("", f"## {markdown_text(section.title)}")
    for block in section.blocks:
        yield ""
        yield from _block_lines(block, folder)
    if section.command:
        yield from ("", f"Made by {_code(section.command)}")


def _block_lines(block: Block, folder: Path) -> Iterator[str]:
    match block:
        case str():
            yield markdown_text(block)
        case Table():
            yield from to_markdown(block).splitlines()
        case Drawing():
            _, svg = save_figure(block.figure, folder / block.name)
            yield _image(block.alt, svg)
        case _:
            for picture in block:
                yield f"- {_picture(picture, folder)} {markdown_text(picture.caption)}"


def _picture(picture: Picture, folder: Path) -> str:
    path = folder / f"{picture.name}.png"
    write_atomic(path, picture.png)
    return _image(picture.caption, path)


def _image(alt: str, path: Path) -> str:
    return f"![{markdown_text(alt)}]({quote(f'{path.parent.name}/{path.name}')})"


def _code(text: str) -> str:
    """A command as code; one with a backtick in it needs longer marks."""
    text = printable(text)
    mark = "`" if "`" not in text else "``"
    return f"{mark}{text}{mark}" if mark == "`" else f"{mark} {text} {mark}"
