"""The report of a run folder: sections, tables and figures, from what the run recorded."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mm_env.config.io import resolved_yaml
from mm_env.errors import RunError, UsageError
from mm_env.reports import charts
from mm_env.reports.panels import weightiest
from mm_env.reports.report import paper
from mm_env.reports.report.content import Block, Chart, Code, Report, ReportSection, Table, Text, split_columns
from mm_env.reports.report.numbers import between, number, with_error
from mm_env.reports.report.scenarios import scenario_blocks
from mm_env.reports.report.venues import venue_blocks
from mm_env.reports.waterfall import SUBTOTAL, TERM, WaterfallStep, waterfall_figure, waterfall_steps
from mm_env.runs import Run, read_run

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_HEADLINES = 25  # of the table: the weightiest
_ROWS = (
    ("profit, mean [currency]", "profit", 0, 1.0),
    ("profit, 99 % interval [currency]", "profit", 0, None),
    ("profit, standard deviation [currency]", "profit_sd", 0, 1.0),
    ("profit of the first episode [currency]", "profit_first", 0, 1.0),
    ("Sharpe ratio over episodes", "sharpe", 2, 1.0),
    ("maximum drawdown, mean [currency]", "drawdown", 0, 1.0),
    ("maximum drawdown, worst [currency]", "drawdown_worst", 0, 1.0),
    ("fills of own quotes", "fills", 0, 1.0),
    ("filled lots", "filled_lots", 0, 1.0),
    ("filled / posted lots [%]", "fill_ratio", 2, 100.0),
    ("inventory, mean of absolute [lots]", "inventory_absolute_lots", 1, 1.0),
    ("inventory, standard deviation [lots]", "inventory_sd_lots", 1, 1.0),
    ("inventory, root mean square of the value [currency]", "inventory_sd", 0, 1.0),
    ("inventory limit of quotes [lots]", "limit", 0, 1.0),
    ("VaR over its limit [% of steps]", "over_limit", 2, 100.0),
    ("hedges", "hedges", 1, 1.0),
    ("lots traded by hedges", "hedged_lots", 0, 1.0),
    ("lots that hedges could not trade", "hedge_unfilled_lots", 1, 1.0),
    ("cost of hedges, fees included [currency]", "hedge_cost", 0, 1.0),
)  # label, key of the summary, digits, factor; None: the interval


class RecordedEpisode:
    """One recorded episode of a run, its tables cut to it."""

    def __init__(self, run: Run, episode: int) -> None:
        """Cut the tables; raises `UsageError` for an episode that was not recorded."""
        known = sorted(set(run.steps["episode"].tolist()))
        if episode not in known:
            allowed = ", ".join(map(str, known)) or "none, as not a step was recorded"
            raise UsageError(f"--episode {episode}: not recorded; expected {allowed}")
        self.episode = episode
        self.steps, self.fills, self.headlines, self.venues = (
            charts.one_episode(table, episode) for table in (run.steps, run.fills, run.headlines, run.venues)
        )
        self.symbols = [symbol.name for symbol in run.config.symbols]

    @property
    def end(self) -> float:
        """Time of the last step [s]."""
        return float(self.steps["time"].iloc[-1])


def run_report(folder: Path, episode: int | None = None, scenarios: Path | None = None) -> Report:
    """Read a run folder into its report.

    episode: the recorded one that is drawn; none: the first
    scenarios: folder of `mm-env scenarios`, whose surface is added

    Raises `RunError` for a folder that is not a run, `UsageError` for an episode that was not recorded.
    """
    run = read_run(folder)
    if "venues" not in run.summary:
        raise RunError(f"{folder}: its summary has no venues; expected a run of this version, by mm-env baseline --out")
    summary = run.summary
    has_statistics = summary["portfolio"] is not None
    recorded = sorted(set(run.steps["episode"].tolist()))
    one = (
        RecordedEpisode(run, recorded[0] if episode is None and recorded else episode or 0) if recorded or episode else None
    )
    drawn = one is not None and len(one.steps) > 1
    where = f"episode {one.episode}" if one and drawn else "the recorded episode"
    sections = [ReportSection("summary", "Summary", tuple(_summary(run)))]
    if one is not None and drawn:
        sections += _episode_sections(run, one)
    if has_statistics:
        sections += [
            ReportSection("attribution", "Attribution of the profit", tuple(_attribution(run))),
            ReportSection("venues", "Venues", tuple(venue_blocks(run, one.venues if one and drawn else None, where))),
        ]
    if scenarios is not None:
        sections.append(ReportSection("scenarios", "Scenarios", tuple(scenario_blocks(scenarios))))
    sections.append(ReportSection("configuration", "Configuration and seeds", tuple(_configuration(run, folder))))
    count = summary["episodes"]
    subtitle = (
        f"policy {summary['policy']}, {count} episode{'s' if count != 1 else ''}, {number(summary['steps'] or 0)} steps, "
        f"seed {summary['seed']}"
    )
    facts = f"mm_env {summary['version']}, configuration {summary['config_hash']}, seed {summary['seed']}"
    return Report(f"Run of {_market(summary)}", subtitle, _figures(summary), tuple(sections), facts)


def _market(summary: Mapping[str, Any]) -> str:
    return str(summary["config"] or "two_symbols")


def _figures(summary: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """The few figures that are read first."""
    p = summary["portfolio"]
    if p is None:
        return ()
    return (
        ("Profit an episode", number(p["profit"]["value"]), f"99 %: {between(p['profit']['low'], p['profit']['high'])}"),
        ("Sharpe ratio", number(p["sharpe"]["value"], 2), "over episodes, not annualised"),
        ("Worst drawdown", number(p["drawdown_worst"]), f"mean {number(p['drawdown']['value'])}"),
        ("VaR over its limit", f"{with_error({**p['over_limit'], 'error': None}, 2, 100.0)} %", "of the steps"),
        ("Hedges an episode", number(p["hedges"]["value"], 1), f"cost {number(p['hedge_cost']['value'])}"),
        ("Filled of posted lots", f"{with_error({**p['fill_ratio'], 'error': None}, 1, 100.0)} %", "own quotes"),
    )


def _summary(run: Run) -> list[Block]:
    summary, blocks = run.summary, list[Block]()
    if summary["interrupted"]:
        kept = "whole episodes alone are counted" if summary["complete_episodes"] else "the episodes are cut short"
        asked, count = summary["episodes_asked"], summary["episodes"]
        blocks.append(
            Text(f"The run was stopped before its end: {count} of {asked} episodes are counted; {kept}.", notice=True)
        )
    if summary["portfolio"] is None:
        return [*blocks, Text("It was stopped before its first step was done: there are no statistics.")]
    blocks.append(Text(_reading(summary)))
    limits = {symbol.name: symbol.inventory_limit for symbol in run.config.symbols}
    parts = {name: {**part, "limit": limits[name]} for name, part in summary["symbols"].items()}
    parts["portfolio"] = summary["portfolio"]
    rows = [
        [label, *(_cell(part.get(key), digits, factor) if key in part else "" for part in parts.values())]
        for label, key, digits, factor in _ROWS
    ]
    caption = "Statistics an episode; ± one standard error over episodes"
    return [*blocks, *split_columns(caption, ["", *parts], rows)]


def _cell(value: Any, digits: int, factor: float | None) -> str:
    if isinstance(value, Mapping):
        return between(value["low"], value["high"], digits) if factor is None else with_error(value, digits, factor)
    return number(value, digits)


def _reading(summary: Mapping[str, Any]) -> str:
    """What the figures say, in a sentence or two."""
    p = summary["portfolio"]
    steps = waterfall_steps(summary["attribution"]["all"]["all"])
    traded = next(step.value for step in steps if step.kind == SUBTOTAL)
    held = steps[-1].value - traded
    text = (
        f"Trading made {number(traded)} an episode after fees, hedges and liquidation; revaluation of the inventory "
        f"{'added' if held >= 0.0 else 'took'} {number(abs(held))}, which leaves a profit of {number(steps[-1].value)}. "
    )
    if summary["episodes"] < 2:
        return text + "Of a single episode no errors are known."
    low, high = p["profit"]["low"], p["profit"]["high"]
    if low is not None and low <= 0.0 <= high:
        return text + "With so many episodes the mean profit does not differ significantly from zero (99 %)."
    return text + f"The mean profit is {'above' if low > 0.0 else 'below'} zero with 99 % confidence."


def _episode_sections(run: Run, one: RecordedEpisode) -> list[ReportSection]:
    s, f, h = one.steps, one.fills, one.headlines
    where = f"episode {one.episode}"
    last = "the shading marks regimes other than the most common one"
    equity: list[Block] = [
        Chart("equity", f"Profit so far and its distance from its high, {where}; {last}.",
              lambda: charts.equity_chart(s), lambda: paper.equity_paper(s)),
        Chart("parts", f"What made the profit, {where}: four groups of the ledger's terms, which sum to it.",
              lambda: charts.parts_chart(s), lambda: paper.parts_paper(s)),
    ]  # fmt: skip
    inventory: list[Block] = [
        Chart("inventory", f"Positions, {where}.",
              lambda: charts.inventory_chart(s, one.symbols), lambda: paper.inventory_paper(s, one.symbols)),
    ]  # fmt: skip
    quotes: list[Block] = []
    for symbol in one.symbols:
        own = int((f["symbol"] == symbol).sum())
        caption = (
            f"{symbol}, {where}: mid, own quotes while they rested, and {number(own)} fills"
            f"{'' if own else ' (the run had none)'}; headlines at the top, the numbered ones are listed below."
        )
        quotes.append(
            Chart(f"prices_{symbol}", caption, lambda x=symbol: charts.prices_chart(s, f, h, x),  # type: ignore[misc]
                  lambda x=symbol: paper.prices_paper(s, f, h, x))  # type: ignore[misc]
        )  # fmt: skip
        quotes += _numbered(one, symbol)
        quotes.append(
            Chart(f"close_{symbol}", f"{symbol}, {where}: a minute around its weightiest headline, or a fill in the middle.",
                  lambda x=symbol: charts.close_up_chart(s, f, h, x),  # type: ignore[misc]
                  lambda x=symbol: paper.close_up_paper(s, f, h, x))  # type: ignore[misc]
        )  # fmt: skip
    sentiment: list[Block] = [
        Chart("sentiment", f"Sentiment, scores of headlines, and the move that the policy expects, {where}.",
              lambda: charts.sentiment_chart(s, h, one.symbols), lambda: paper.sentiment_paper(s, h, one.symbols)),
        *_headline_table(h),
    ]  # fmt: skip
    risk: list[Block] = [
        Text(_risk_words(run)),
        Chart("risk", f"Value at risk against its limit, {where}; diamonds: the VaR that a hedge answered.",
              lambda: charts.risk_chart(s), lambda: paper.risk_paper(s)),
        *_hedge_table(run, one),
    ]  # fmt: skip
    return [
        ReportSection("equity", "Equity and drawdown", tuple(equity)),
        ReportSection("inventories", "Inventories", tuple(inventory)),
        ReportSection("quotes", "Quotes and fills", tuple(quotes)),
        ReportSection("sentiment", "Sentiment and headlines", tuple(sentiment)),
        ReportSection("risk", "Value at risk and hedges", tuple(risk)),
    ]


def _numbered(one: RecordedEpisode, symbol: str) -> list[Block]:
    """The headlines that the figure of a symbol numbers."""
    news = one.headlines[one.headlines["symbol"].isin([symbol, ""])]
    listed = weightiest(news, one.end)
    if not listed:
        return []
    rows = tuple((str(number_), *_headline(row)) for number_, row, _ in listed)
    return [_headlines(f"Headlines numbered in the figure of {symbol}", ("no.", *_HEADER), rows, (0.5, *_WIDTHS), (2, 3))]


_HEADER = ("time [s]", "symbol", "headline", "polarity", "score")
_WIDTHS = (0.9, 1.1, 6.5, 0.9, 0.9)


def _headline(row: Any) -> tuple[str, ...]:
    return (
        number(row["time"], 1), row["symbol"] or "market-wide", row["text"], number(row["polarity"], 2, sign=True),
        number(row["score"], 2, sign=True),
    )  # fmt: skip


def _headlines(
    caption: str,
    header: tuple[str, ...],
    rows: tuple[tuple[str, ...], ...],
    widths: tuple[float, ...],
    left: tuple[int, ...],
) -> Table:
    return Table(caption, header, rows, left=left, widths=widths)


def _headline_table(headlines: pd.DataFrame) -> list[Block]:
    """The headlines with the largest polarities, in the order of time."""
    if headlines.empty:
        return [Text("No headline came in the recorded episode.")]
    order = headlines.assign(weight=headlines["polarity"].abs()).sort_values("weight", ascending=False, kind="stable")
    part = order.head(_HEADLINES).sort_values("time", kind="stable")
    few = f"the {len(part)} weightiest of {len(headlines)} headlines" if len(part) < len(headlines) else "all headlines"
    caption = (
        f"Polarity, which moves the price, and score, which the agent sees, both from −1 to 1: {few} of the recorded episode"
    )
    rows = tuple(_headline(row) for _, row in part.iterrows())
    return [_headlines(caption, _HEADER, rows, _WIDTHS, (1, 2))]


def _risk_words(run: Run) -> str:
    r, p = run.config.risk, run.summary["portfolio"]
    text = (
        f"VaR at {100 * r.var_conf:g} % over {r.var_horizon_seconds:g} s ({r.var_method.replace('_', '-')}), expected "
        f"shortfall at {100 * r.es_conf:g} %; limit {number(r.portfolio_var_limit)}. "
    )
    if not r.hedge_portfolio_on_breach:
        return text + "The default policy does not hedge in this market."
    text += f"Over the limit the default policy hedges down to {100 * r.hedge_target:g} % of it."
    if p is None:
        return text
    share = 100.0 * p["over_limit"]["value"]
    return (
        text + f" VaR was over it in {number(share, 2)} % of the steps; {number(p['hedges']['value'], 1)} hedges an episode."
    )


def _hedge_table(run: Run, one: RecordedEpisode) -> list[Block]:
    """The hedges' fills of the recorded episode, by symbol and by venue."""
    hedges = one.fills[one.fills["role"] == "hedge"]
    if hedges.empty:
        return [Text("No hedge was filled in the recorded episode.")]
    lots = hedges["symbol"].map({symbol.name: symbol.lot_size for symbol in run.config.symbols})
    bought = hedges["side"] == "buy"
    away = (hedges["price"] - hedges["mid"]).where(bought, hedges["mid"] - hedges["price"])
    counted = hedges.assign(
        fills=1, bought=hedges["quantity"].where(bought, 0), sold=hedges["quantity"].where(~bought, 0),
        crossing=away * hedges["quantity"] * lots,
    )  # fmt: skip
    names = ["fills", "bought", "sold", "crossing", "fee"]
    blocks: list[Block] = []
    for what in ("symbol", "venue"):
        sums = counted.groupby(what, sort=False)[names].sum()
        rows = [(str(name), *map(number, values)) for name, *values in sums.itertuples()]
        rows.append(("all", *map(number, counted[names].sum())))
        header = (what, "fills", "bought [lots]", "sold [lots]", "crossing cost [currency]", "fees [currency]")
        caption = f"Fills of hedges by {what}, episode {one.episode}; the crossing cost is against the mid at the fill"
        blocks.append(Table(caption, header, tuple(rows), total=True))
    return blocks


def attribution_steps(run: Run) -> list[WaterfallStep]:
    """The bars of the waterfall, with errors where the run knows them."""
    cuts = run.cuts
    if cuts is None or cuts.empty or not run.summary["complete_episodes"]:
        return waterfall_steps(run.summary["attribution"]["all"]["all"])
    return waterfall_steps(cuts[cuts["cut"] == "all"])


def _attribution(run: Run) -> list[Block]:
    margins, steps = run.summary["attribution"], attribution_steps(run)
    errors = "; error bars: 95 % over episodes" if any(step.error is not None for step in steps) else ""
    blocks: list[Block] = [
        Chart("waterfall", f"From the ledger's terms to the profit, mean of an episode{errors}.",
              lambda: charts.waterfall_chart(steps), lambda: paper_waterfall(steps)),
    ]  # fmt: skip
    for what, caption in (("symbols", "By symbol"), ("venues", "By venue")):
        columns = {**margins[what], "all": margins["all"]["all"]}
        rows = [
            [term.replace("_", " "), *(number(part[term]) for part in columns.values())] for term in margins["all"]["all"]
        ]
        blocks += split_columns(f"{caption}: currency, mean of an episode", ["term", *columns], rows, total=True)
    return blocks


def paper_waterfall(steps: Sequence[WaterfallStep]) -> Figure:
    """The waterfall as wide as a page."""
    drawn = waterfall_figure(steps, "")
    drawn.set_size_inches(paper.WIDTH, 3.4)
    drawn.axes[0].tick_params(axis="x", labelsize=6.5)
    for step, bar in zip(steps, drawn.axes[0].patches, strict=False):
        if step.kind == TERM and step.value < 0.0:  # distinct from gains without colour
            bar.set(hatch="////", edgecolor="white", linewidth=0.0)
    for text in drawn.axes[0].texts:
        text.set_fontsize(6.5)
    return drawn


def _configuration(run: Run, folder: Path) -> list[Block]:
    summary, config = run.summary, run.config
    command = [
        "mm-env", "baseline", "--config", str((folder / "config.yaml").resolve()), "--policy", summary["policy"],
        "--seed", str(summary["seed"]), "--episodes", str(summary["episodes_asked"]), "--record",
        str(summary["episodes_recorded"]), "--out", "runs/again",
    ]  # fmt: skip
    rows = [
        ("market", _market(summary)),
        ("configuration hash", summary["config_hash"]),
        ("policy", summary["policy"]),
        ("seed", str(summary["seed"])),
        ("episodes", f"0 to {summary['episodes_asked'] - 1} of the seed"),
        ("recorded in full", str(summary["episodes_recorded"])),
        ("decision steps of an episode", f"{config.episode.steps} of {config.episode.step_seconds:g} s"),
        ("version of mm_env", summary["version"]),
    ]
    if summary["tape"] is not None:
        tape = summary["tape"]
        rows.append(("tape of headlines", f"{tape['path']}, {tape['kept']} rows kept"))
    return [
        Table("What was run", ("", "value"), tuple(rows), left=(0, 1), widths=(1.0, 3.0)),
        Code("The same run again", shlex.join(command)),
        Code("Configuration, every parameter (YAML)", resolved_yaml(config), folded=True),
    ]
