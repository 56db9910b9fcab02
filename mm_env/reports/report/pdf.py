"""A report as a PDF on A4: the same sections as the page, with figures made for paper."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mm_env.reports.report.content import Block, Chart, Code, Report, ReportSection, Table, Text
from mm_env.reports.style import palette_png, printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from reportlab.platypus import Flowable

DOTS_PER_INCH = 200
_MARGIN, _TOP = 16.0, 20.0  # [mm]
_FONT, _BOLD, _MONO = "DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono"
_INK, _ACCENT, _RULE, _LIGHT = "#1A1A1A", "#0072B2", "#BBBBBB", "#F3F6F9"
_ROOM, _FIGURE, _LONG = 60.0, 125.0, 185.0
"""[mm] that a section needs on its first page, one that begins with a figure, and one with a page of code."""
_COLUMN, _HALF = 118, 56  # characters of a line of code, of one in two columns
_LINES = (38, 78)  # of code in each of two columns, on the first page and on those after
_MANY = 7  # columns from which on a table is set smaller


def pdf_of(report: Report) -> bytes:
    """Return the document, the same bytes for the same report."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

    _register_fonts()
    buffer = io.BytesIO()
    document = _document_class()(
        buffer, pagesize=A4, title=report.title, subject=report.subtitle, author="mm_env", creator="mm_env", invariant=1,
        pageCompression=1, lang="en",
    )  # fmt: skip
    assert isinstance(document, BaseDocTemplate)
    width, height = A4
    frame = Frame(
        _MARGIN * mm, _MARGIN * mm, width - 2 * _MARGIN * mm, height - (_MARGIN + _TOP) * mm, 0, 0, 0, 0, id="page"
    )
    document.addPageTemplates([PageTemplate("page", [frame], onPage=_furniture(report))])
    document.multiBuild(_story(report, frame._width))
    return buffer.getvalue()


@cache
def _register_fonts() -> None:
    """The fonts that matplotlib brings: they know more letters than those every reader has, and look alike everywhere."""
    import matplotlib
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in (_FONT, _BOLD, _MONO):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    pdfmetrics.registerFontFamily(_FONT, normal=_FONT, bold=_BOLD, italic=_FONT, boldItalic=_BOLD)


@cache
def _document_class() -> type[Any]:
    from reportlab.platypus import BaseDocTemplate

    class Document(BaseDocTemplate):  # type: ignore[misc]
        """Tells the table of contents and the outline of each heading, as it is laid out."""

        def afterFlowable(self, flowable: Any) -> None:  # the name that reportlab calls
            name = getattr(flowable, "section_name", None)
            if name is not None:
                self.canv.bookmarkPage(name)
                self.canv.addOutlineEntry(flowable.section_title, name, 0, False)
                self.notify("TOCEntry", (0, escape(flowable.section_title), self.page, name))

    return Document


def _furniture(report: Report) -> Callable[[Any, Any], None]:
    """Header and footer of each page."""

    def draw(canvas: Any, document: Any) -> None:
        from reportlab.lib.colors import HexColor
        from reportlab.lib.units import mm

        width, height = document.pagesize
        canvas.saveState()
        canvas.setFont(_FONT, 7.5)
        canvas.setFillColor(HexColor("#444444"))
        canvas.drawString(_MARGIN * mm, height - 12 * mm, _fitting(printable(f"{report.title} – {report.subtitle}"), 115))
        canvas.drawString(_MARGIN * mm, 9 * mm, _fitting(printable(report.facts), 100))
        canvas.drawRightString(width - _MARGIN * mm, 9 * mm, f"page {document.page}")
        canvas.setStrokeColor(HexColor(_RULE))
        canvas.line(_MARGIN * mm, height - 14 * mm, width - _MARGIN * mm, height - 14 * mm)
        canvas.restoreState()

    return draw


def _fitting(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


@cache
def _styles() -> dict[str, Any]:
    from reportlab.lib.colors import HexColor
    from reportlab.lib.enums import TA_RIGHT
    from reportlab.lib.styles import ParagraphStyle

    cell: dict[str, Any] = {"fontSize": 7, "leading": 8.8, "spaceAfter": 0, "splitLongWords": 1}
    small = {**cell, "fontSize": 6.3, "leading": 8}
    body = ParagraphStyle("body", fontName=_FONT, fontSize=9, leading=12.5, textColor=HexColor(_INK), spaceAfter=5)
    return {
        "body": body,
        "title": ParagraphStyle("title", body, fontName=_BOLD, fontSize=19, leading=23, spaceAfter=2),
        "subtitle": ParagraphStyle("subtitle", body, fontSize=10, textColor=HexColor("#444444"), spaceAfter=8),
        "heading": ParagraphStyle(
            "heading", body, fontName=_BOLD, fontSize=13, leading=17, spaceBefore=12, spaceAfter=6
        ),
        "notice": ParagraphStyle(
            "notice", body, fontName=_BOLD, backColor=HexColor("#FDF1E8"), borderColor=HexColor("#D55E00"), borderWidth=0.8,
            borderPadding=5, spaceBefore=6, spaceAfter=10,
        ),
        "caption": ParagraphStyle("caption", body, fontSize=8, leading=10.5, spaceBefore=1, spaceAfter=9),
        "above": ParagraphStyle(
            "above", body, fontName=_BOLD, fontSize=8, leading=10.5, spaceBefore=6, spaceAfter=3
        ),
        "left": ParagraphStyle("left", body, **cell),
        "right": ParagraphStyle("right", body, **cell, alignment=TA_RIGHT),
        "small left": ParagraphStyle("small left", body, **small),
        "small right": ParagraphStyle("small right", body, **small, alignment=TA_RIGHT),
        "code": ParagraphStyle("code", body, fontName=_MONO, fontSize=6.8, leading=8.6),
        "contents": ParagraphStyle("contents", body, fontSize=9, leading=14, spaceAfter=0),
        "label": ParagraphStyle("label", body, fontSize=7.5, leading=9, spaceAfter=1, textColor=HexColor("#444444")),
        "value": ParagraphStyle("value", body, fontName=_BOLD, fontSize=13, leading=16, spaceAfter=1),
    }  # fmt: skip


def _paragraph(text: str, style: str) -> Any:
    from reportlab.platypus import Paragraph

    return Paragraph(escape(printable(text), quote=False).replace("\n", "<br/>"), _styles()[style])


def _story(report: Report, width: float) -> list[Flowable]:
    from reportlab.lib.units import mm
    from reportlab.platypus import CondPageBreak, Spacer
    from reportlab.platypus.tableofcontents import TableOfContents

    contents = TableOfContents(dotsMinLevel=0, levelStyles=[_styles()["contents"]])
    story: list[Flowable] = [_paragraph(report.title, "title"), _paragraph(report.subtitle, "subtitle")]
    if report.figures:
        story += [_tiles(report.figures, width), Spacer(1, 8)]
    story += [_paragraph("Contents", "above"), contents, Spacer(1, 4)]
    for k, section in enumerate(report.sections):
        if k > 0:
            long = any(isinstance(block, Code) and block.folded for block in section.blocks)
            drawn = bool(section.blocks) and isinstance(section.blocks[0], Chart)
            story.append(CondPageBreak((_LONG if long else _FIGURE if drawn else _ROOM) * mm))
        story += _section(section, width)
    return story


def _tiles(figures: tuple[tuple[str, str, str], ...], width: float) -> Flowable:
    """The few figures that are read first, three or four in a row."""
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import Table as Grid

    tiles: list[Any] = [
        [_paragraph(label, "label"), _paragraph(value, "value"), _paragraph(note, "label")] for label, value, note in figures
    ]
    each = 4 if len(tiles) == 4 else 3
    tiles += [""] * (-len(tiles) % each)
    grid = Grid([tiles[k : k + each] for k in range(0, len(tiles), each)], colWidths=[width / each] * each)
    look: list[Any] = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("GRID", (0, 0), (-1, -1), 4, HexColor("#FFFFFF"))]
    look += [("BACKGROUND", (k % each, k // each), (k % each, k // each), HexColor(_LIGHT)) for k in range(len(figures))]
    look += [("LEFTPADDING", (0, 0), (-1, -1), 9)]
    grid.setStyle(look)
    return grid


def _section(section: ReportSection, width: float) -> list[Flowable]:
    heading = _paragraph(section.title, "heading")
    heading.section_name, heading.section_title = section.name, section.title
    story: list[Flowable] = [heading]
    for block in section.blocks:
        story += _block(block, width)
    return story


def _block(block: Block, width: float) -> list[Flowable]:
    from reportlab.platypus import KeepTogether

    match block:
        case Text():
            return [_paragraph(block.text, "notice" if block.notice else "body")]
        case Table():
            return [_table(block, width)]
        case Code():
            if block.folded:
                return [_paragraph(block.summary, "above"), *_code(block.text, width)]
            return [_paragraph(block.summary, "above"), _paragraph(block.text, "code")]
        case Chart():
            return [KeepTogether([_picture(block.paper(), width), _paragraph(block.caption, "caption")])]


def _code(text: str, width: float) -> list[Flowable]:
    """Lines as they are, in two columns where they are many and short."""
    from reportlab.platypus import Preformatted
    from reportlab.platypus import Table as Grid

    lines = printable(text).splitlines()
    if len(lines) < _LINES[0] or max(map(len, lines)) > _HALF:
        return [Preformatted("\n".join(lines), _styles()["code"], maxLineLength=_COLUMN)]
    pairs: list[Any] = []
    while lines:
        most = _LINES[min(len(pairs), 1)]
        parts = lines[:most], lines[most : 2 * most]
        pairs.append([Preformatted("\n".join(part), _styles()["code"]) if part else "" for part in parts])
        lines = lines[2 * most :]
    look = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]
    return [Grid(pairs, colWidths=[width / 2] * 2, style=look)]


def _picture(figure: Figure, width: float) -> Flowable:
    """The figure, at most as wide as the page."""
    from reportlab.platypus import Image

    buffer = io.BytesIO(palette_png(figure, DOTS_PER_INCH, 192))
    inches = figure.get_size_inches()
    scale = min(1.0, width / (72.0 * inches[0]))
    return Image(buffer, 72.0 * inches[0] * scale, 72.0 * inches[1] * scale)


def _table(table: Table, width: float) -> Flowable:
    """A grid whose caption and header are repeated on each page that it reaches; cells are broken into lines."""
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import Table as Grid

    small = "small " if len(table.header) >= _MANY else ""

    def cells(row: tuple[str, ...], bold: bool = False) -> list[Any]:
        styles = [small + ("left" if k in table.left else "right") for k in range(len(row))]
        return [(_bold if bold else _paragraph)(cell, style) for cell, style in zip(row, styles, strict=True)]

    last = len(table.rows) - 1
    head, body = cells(table.header, bold=True), [cells(row, table.total and k == last) for k, row in enumerate(table.rows)]
    weights = table.widths or _weights(table)
    caption = [_paragraph(table.caption, "above"), *[""] * (len(head) - 1)]
    widths = [width * weight / sum(weights) for weight in weights]
    grid = Grid([caption, head, *body], colWidths=widths, repeatRows=2, spaceBefore=4, spaceAfter=8)
    look: list[Any] = [
        ("SPAN", (0, 0), (-1, 0)),
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("VALIGN", (0, 1), (-1, 1), "BOTTOM"),
        ("LINEBELOW", (0, 1), (-1, 1), 1.0, HexColor("#555555")),
        ("LINEBELOW", (0, 2), (-1, -1), 0.3, HexColor(_RULE)),
        ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ("LEFTPADDING", (0, 0), (-1, -1), 3), ("RIGHTPADDING", (0, 0), (-1, -1), 3), ("LEFTPADDING", (0, 0), (-1, 0), 0),
    ]  # fmt: skip
    if table.total and body:
        look.append(("LINEABOVE", (0, -1), (-1, -1), 0.8, HexColor("#555555")))
    grid.setStyle(look)
    return grid


def _bold(text: str, style: str) -> Any:
    from reportlab.platypus import Paragraph

    return Paragraph(f"<b>{escape(printable(text), quote=False)}</b>", _styles()[style])


def _weights(table: Table) -> tuple[float, ...]:
    """Widths by the longest cell of each column, and no narrower than the longest word of its name."""
    weights = []
    for k, name in enumerate(table.header):
        longest = max([len(row[k]) for row in table.rows] + [max(map(len, name.split()), default=0), 4])
        weights.append(float(min(longest, 36)) + 1.5)
    return tuple(weights)
