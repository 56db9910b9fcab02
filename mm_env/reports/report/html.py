"""A report as one HTML file that needs nothing else: no network, no other file."""

from __future__ import annotations

from html import escape

from mm_env.reports.report.content import Block, Chart, Code, Report, ReportSection, Table, Text

# What the page may do: run the scripts that stand in it, and fetch nothing.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 24px 28px 60px; background: #fff; color: #1a1a1a;
  font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
h1 { font-size: 1.9em; margin: 0; line-height: 1.2; }
h2 { font-size: 1.35em; margin: 2.2em 0 0.6em; padding-bottom: 0.2em; border-bottom: 2px solid #0072b2; }
header p { margin: 0.3em 0 1em; color: #444; }
nav ol { columns: 2; margin: 0.4em 0; padding-left: 1.4em; }
a { color: #005a8c; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(155px, 1fr)); gap: 10px; margin: 1.2em 0; }
dl div { border: 1px solid #ccc; border-left: 4px solid #0072b2; padding: 8px 12px; }
dt { font-size: 0.82em; color: #444; } dd { margin: 0; }
dd.value { font-size: 1.45em; font-weight: 600; font-variant-numeric: tabular-nums; }
dd.note { font-size: 0.8em; color: #444; }
.notice { border-left: 4px solid #d55e00; background: #fdf1e8; padding: 8px 14px; font-weight: 600; }
.table { overflow-x: auto; margin: 1.1em 0; }
table { border-collapse: collapse; width: 100%; font-size: 0.88em; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 0 0 6px; }
th, td { padding: 4px 9px; text-align: right; vertical-align: top; border-bottom: 1px solid #ddd; }
thead th { border-bottom: 2px solid #666; vertical-align: bottom; }
tbody th { font-weight: 400; }
.left { text-align: left; overflow-wrap: break-word; }
tr.total > * { font-weight: 600; border-top: 2px solid #666; }
figure { margin: 1.4em 0; } figcaption { font-size: 0.92em; color: #333; }
.plot { width: 100%; }
pre { background: #f5f5f5; padding: 12px 14px; overflow-x: auto; font-size: 0.82em; line-height: 1.4; }
summary { cursor: pointer; font-weight: 600; }
footer { margin-top: 3em; border-top: 1px solid #ccc; padding-top: 0.6em; color: #444; font-size: 0.85em; }
@page { size: A4; margin: 14mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .modebar-container { display: none; }
  h2, caption { break-after: avoid; }
  figure, tr, dl div { break-inside: avoid; }
  thead { display: table-header-group; }
  .table { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: 2px 5px; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
}
"""
# A figure keeps its width on paper unless the page's is set; folded parts would be missing there.
_PRINTING = """
(function () {
  const width = 680, plots = () => document.querySelectorAll('.js-plotly-plot');
  const kept = new Map();
  window.addEventListener('beforeprint', () => {
    document.querySelectorAll('details').forEach(d => { kept.set(d, d.open); d.open = true; });
    plots().forEach(p => Plotly.relayout(p, {autosize: false, width: width}));
  });
  window.addEventListener('afterprint', () => {
    kept.forEach((open, d) => { d.open = open; });
    plots().forEach(p => Plotly.relayout(p, {autosize: true, width: null}));
  });
})();
"""
_CONFIG = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["lasso2d", "select2d"]}


def html_of(report: Report) -> str:
    """Return the page: plotly.js stands in it once, and everything from data is escaped."""
    from plotly.offline import get_plotlyjs

    contents = "".join(f'<li><a href="#{escape(s.name)}">{escape(s.title)}</a></li>' for s in report.sections)
    figures = "".join(
        f'<div><dt>{escape(label)}</dt><dd class="value">{escape(value)}</dd><dd class="note">{escape(note)}</dd></div>'
        for label, value, note in report.figures
    )
    has_plots = any(isinstance(block, Chart) for _, block in report.blocks())
    script = f"<script>{get_plotlyjs()}</script>\n" if has_plots else ""
    body = "\n".join(_section(section) for section in report.sections)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(report.title)}</title>\n<style>{_STYLE}</style>\n{script}</head>\n<body>\n"
        f"<header><h1>{escape(report.title)}</h1><p>{escape(report.subtitle)}</p>"
        f'<nav aria-label="Contents"><ol>{contents}</ol></nav></header>\n<main>\n'
        + (f"<dl>{figures}</dl>\n" if figures else "")
        + f"{body}\n</main>\n<footer>{escape(report.facts)}</footer>\n"
        + (f"<script>{_PRINTING}</script>\n" if has_plots else "")
        + "</body>\n</html>\n"
    )


def _section(section: ReportSection) -> str:
    blocks = "\n".join(_block(block) for block in section.blocks)
    return f'<section id="{escape(section.name)}">\n<h2>{escape(section.title)}</h2>\n{blocks}\n</section>'


def _block(block: Block) -> str:
    match block:
        case Text():
            start = '<p class="notice">' if block.notice else "<p>"
            return f"{start}{escape(block.text)}</p>"
        case Table():
            return _table(block)
        case Code():
            text = f"<pre>{escape(block.text)}</pre>"
            if block.folded:
                return f"<details><summary>{escape(block.summary)}</summary>{text}</details>"
            return f"<p>{escape(block.summary)}:</p>{text}"
        case Chart():
            return _chart(block)


def _table(table: Table) -> str:
    def cells(row: tuple[str, ...], header: bool) -> str:
        found = []
        for k, cell in enumerate(row):
            look = ' class="left"' if k in table.left else ""
            if header or k == 0:
                scope = "col" if header else "row"
                found.append(f'<th scope="{scope}"{look}>{escape(cell)}</th>')
            else:
                found.append(f"<td{look}>{escape(cell)}</td>")
        return "".join(found)

    rows = [f"<tr>{cells(row, False)}</tr>" for row in table.rows]
    if table.total and rows:
        rows[-1] = rows[-1].replace("<tr>", '<tr class="total">', 1)
    head = f"<thead><tr>{cells(table.header, True)}</tr></thead>"
    caption = f"<caption>{escape(table.caption)}</caption>"
    return f'<div class="table"><table>{caption}{head}\n<tbody>\n' + "\n".join(rows) + "\n</tbody></table></div>"


def _chart(chart: Chart) -> str:
    drawn = chart.screen()
    plot = drawn.to_html(
        full_html=False, include_plotlyjs=False, include_mathjax=False, config=_CONFIG, default_width="100%",
        div_id="plot-" + "".join(letter if letter.isalnum() else f"-{ord(letter):x}-" for letter in chart.name),
    )  # fmt: skip
    return f'<figure><div class="plot">{plot}</div><figcaption>{escape(chart.caption)}</figcaption></figure>'
