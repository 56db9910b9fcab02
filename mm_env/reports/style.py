"""How figures look: colours that colour-blind readers can tell apart, light axes, and a picture without global state.

Source of the palette: Okabe & Ito 2008, Color Universal Design.
"""

from __future__ import annotations

import io
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL import Image

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#7F7F7F"
SHADES = (YELLOW, PURPLE, SKY, ORANGE, GREEN, VERMILLION)
"""Of regimes other than the first, drawn faintly behind the lines."""

ABOVE: dict[str, Any] = {
    "loc": "lower left",
    "bbox_to_anchor": (0.0, 1.0),
    "ncols": 9,
    "fontsize": 7.5,
    "frameon": False,
    "columnspacing": 1.0,
    "handletextpad": 0.4,
    "borderaxespad": 0.1,
}
"""Of a legend: one line above its axes, where it hides nothing."""

BUY, SELL = BLUE, VERMILLION
UP, DOWN = GREEN, PURPLE


@cache
def known_letters() -> frozenset[int]:
    """Code points that the font of the figures holds."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap())


def printable(text: str) -> str:
    """The text with a mark for each letter that the font does not hold, as Chinese ones, which would be left out."""
    known = known_letters()
    return "".join(letter if letter == "\n" or ord(letter) in known else "\N{REPLACEMENT CHARACTER}" for letter in text)


def literal(text: str) -> str:
    """Return the text as matplotlib shows it letter by letter: a dollar sign would begin mathematics."""
    return printable(text).replace("$", r"\$")


def plain_axes(axes: Axes) -> None:
    """Light grid, no box, numbers without an offset."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.margins(x=0.0)
    axes.tick_params(labelsize=8)
    axes.ticklabel_format(axis="y", useOffset=False, style="plain")


def few_colours(picture: bytes, colours: int, width: int | None = None) -> bytes:
    """Return a PNG with a palette of so many colours, which is a third as large; width: [pixels] to scale it to."""
    from PIL import Image

    drawn = Image.open(io.BytesIO(picture)).convert("RGB")
    if width is not None and width != drawn.width:
        drawn = drawn.resize((width, round(width * drawn.height / drawn.width)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    drawn.quantize(palette=_palette(drawn, colours), dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _palette(drawn: Image.Image, colours: int) -> Image.Image:
    """A palette by median cut in which rare colours count for more: a page that is mostly white would dull its lines."""
    import numpy as np
    from PIL import Image

    red, green, blue = (np.asarray(drawn)[..., k].ravel().astype(np.uint32) for k in range(3))
    packed, counts = np.unique(red << 16 | green << 8 | blue, return_counts=True)  # whole numbers sort fast, rows do not
    found = np.stack([packed >> 16, packed >> 8, packed], axis=1).astype(np.uint8)
    weighted = np.repeat(found, np.ceil(np.sqrt(counts)).astype(int), axis=0)
    return Image.fromarray(weighted[None]).quantize(colours, method=Image.Quantize.MEDIANCUT)


def palette_png(figure: Figure, dots_per_inch: int, colours: int) -> bytes:
    """Return the figure as `png` does, of few colours: lines and areas need no more."""
    return few_colours(png(figure, dots_per_inch), colours)


def png(figure: Figure, dots_per_inch: int = 110) -> bytes:
    """Return the figure as a PNG, the same bytes for the same figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return buffer.getvalue()
