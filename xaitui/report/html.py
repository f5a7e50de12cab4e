"""A report as one HTML file that needs nothing else: no network, no script, no other file."""

from __future__ import annotations

import base64
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

from xaitui.report.document import Block, Drawing, Report
from xaitui.report.figures import svg_text
from xaitui.report.tables import Table
from xaitui.text import printable

if TYPE_CHECKING:
    from markupsafe import Markup

_NAMELESS = re.compile(r' id="(?:[a-z]+\.)?[A-Za-z0-9]+_\d+"')
"""Names that matplotlib gives to groups, which nothing refers to; two figures would have the same."""


def to_html(report: Report) -> str:
    """The text of the file; everything that stands in names, notes and files is escaped."""
    import jinja2

    source = resources.files("xaitui.report").joinpath("report.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined, finalize=_shown
    )
    environment.globals.update(kind_of=_kind_of, inline_svg=_inline_svg, data_uri=_data_uri)
    return environment.from_string(source).render(report=report)


def _shown(value: Any) -> Any:
    """Control characters as their escapes; markup of ours as it is."""
    return value if hasattr(value, "__html__") or not isinstance(value, str) else printable(value)


def _kind_of(block: Block) -> str:
    match block:
        case str():
            return "paragraph"
        case Table():
            return "table"
        case Drawing():
            return "drawing"
    return "pictures"


def _inline_svg(drawing: Drawing) -> Markup:
    """The drawing without the head of a file, which HTML does not take."""
    from markupsafe import Markup

    svg = svg_text(drawing.figure)
    return Markup(_NAMELESS.sub("", svg[svg.index("<svg") :]))


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
