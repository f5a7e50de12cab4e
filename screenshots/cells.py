"""A screen as PNG: each cell drawn with Pillow. Dots, blocks and shades are drawn as shapes, whatever the font has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

Rgb = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as parts of a cell."""

FONT_SIZE = 18
LIGHT, DARK = (224, 224, 224), (16, 20, 24)
"""Of what has no colour of its own."""

_BRAILLE = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
"""Column and row of each dot, in the order of the bits of its code point."""
_SHADES = {"░": 0.25, "▒": 0.5, "▓": 0.75}
_BLOCKS: dict[str, Box] = {
    "│": (0.45, 0, 0.55, 1),
    "─": (0, 0.45, 1, 0.5),
    "▀": (0, 0, 1, 0.5),
    "▐": (0.5, 0, 1, 1),
    "▔": (0, 0, 1, 1 / 8),
    "▕": (7 / 8, 0, 1, 1),
    **{chr(0x2580 + eighths): (0, 1 - eighths / 8, 1, 1) for eighths in range(1, 9)},
    **{chr(0x2590 - eighths): (0, 0, eighths / 8, 1) for eighths in range(1, 8)},
}


def write_png(rows: Sequence[Iterable[Segment]], columns: int, path: Path) -> None:
    """Write rows of styled text as an image, each character in the cell where a terminal has it."""
    page = _Page(columns, len(rows))
    for y, row in enumerate(rows):
        x = 0
        for text, style, _ in row:
            for character in text:
                page.put(x, y, character, style or Style.null())
                x += cell_len(character)
    page.image.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


class _Page:
    def __init__(self, columns: int, rows: int) -> None:
        self._plain, self._bold = _font("DejaVuSansMono.ttf"), _font("DejaVuSansMono-Bold.ttf")
        left, _, right, _ = self._plain.getbbox("M" * 100)
        self._width, self._height = round((right - left) / 100), FONT_SIZE + 4
        self.image = Image.new("RGB", (columns * self._width, rows * self._height), DARK)
        self._pen = ImageDraw.Draw(self.image)

    def put(self, x: int, y: int, character: str, style: Style) -> None:
        """Draw a character at a column and a row."""
        front, back = _colours(style)
        left, top = x * self._width, y * self._height
        right = left + max(1, cell_len(character)) * self._width
        self._pen.rectangle((left, top, right - 1, top + self._height - 1), fill=back)
        if character in _BLOCKS:
            self._block(left, top, _BLOCKS[character], front)
        elif character in _SHADES:
            self._block(left, top, (0, 0, 1, 1), _mixed(back, front, _SHADES[character]))
        elif 0x2800 <= ord(character) <= 0x28FF:
            self._dots(left, top, ord(character) - 0x2800, front)
        elif not character.isspace():
            self._pen.text((left, top + 1), character, font=self._bold if style.bold else self._plain, fill=front)
        if style.underline:
            self._pen.line((left, top + self._height - 2, right - 1, top + self._height - 2), fill=front)

    def _block(self, left: int, top: int, box: Box, colour: Rgb) -> None:
        across, down = (
            (round(part * self._width) for part in box[::2]),
            (round(part * self._height) for part in box[1::2]),
        )
        (x0, x1), (y0, y1) = across, down
        self._pen.rectangle((left + x0, top + y0, left + max(x1, x0 + 1) - 1, top + max(y1, y0 + 1) - 1), fill=colour)

    def _dots(self, left: int, top: int, bits: int, colour: Rgb) -> None:
        radius = self._width / 8
        for bit, (column, row) in enumerate(_BRAILLE):
            if bits >> bit & 1:
                x, y = left + self._width * (1 + 2 * column) / 4, top + self._height * (1 + 2 * row) / 8
                self._pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _font(name: str) -> Font:
    try:
        return ImageFont.truetype(name, FONT_SIZE)
    except OSError:
        return ImageFont.load_default(FONT_SIZE)


def _colours(style: Style) -> tuple[Rgb, Rgb]:
    front, back = _rgb(style.color, LIGHT), _rgb(style.bgcolor, DARK)
    if style.reverse:
        front, back = back, front
    return (_mixed(back, front, 0.5) if style.dim else front), back


def _rgb(colour: Color | None, otherwise: Rgb) -> Rgb:
    if colour is None or colour.is_default:
        return otherwise
    red, green, blue = colour.get_truecolor()
    return red, green, blue


def _mixed(one: Rgb, other: Rgb, part: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue
