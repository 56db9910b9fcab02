"""The panels of one symbol in the picture of an episode: the whole, a close-up, and the position."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mm_env.reports import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_HEADLINES_LISTED = 4  # with their text, a symbol
_TEXT_LENGTH = 92
_CLOSE_UP_STEPS = 60
_APART = 0.03  # of the episode, between numbered headlines
_MARKS = {"maker": ("^", "v", "fill"), "hedge": ("D", "D", "hedge"), "liquidation": ("s", "s", "liquidation")}


@dataclass(frozen=True, eq=False)
class Clock:
    """Time of an episode as its axis shows it.

    unit: name; seconds: in one unit; end: [units] of the episode
    """

    unit: str
    seconds: float
    end: float

    def __call__(self, seconds: Any) -> Any:
        """Return seconds in the unit."""
        return np.asarray(seconds) / self.seconds


def overview(
    axes: Axes,
    clock: Clock,
    steps: pd.DataFrame,
    fills: pd.DataFrame,
    headlines: pd.DataFrame,
    symbol: str,
    texts: bool = True,
) -> None:
    """The whole episode: mid, own quotes as a band, fills, and a rug of headlines; texts: the weightiest listed below."""
    style.plain_axes(axes)
    time = clock(steps["time"])
    bid, ask = (quoted_prices(steps, fills, symbol, side) for side in ("bid", "ask"))
    axes.fill_between(time, bid, ask, step="pre", color=style.SKY, alpha=0.35, linewidth=0, label="own bid to own ask")
    axes.plot(time, steps[f"{symbol}.mid"], color=style.BLACK, linewidth=0.8, label="mid")
    _fills(axes, clock, fills, size=7.0)
    _rug(axes, clock, headlines, texts)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.08 * (high - low))  # room for the headlines
    axes.set_ylabel(style.literal(f"{symbol} price [currency]"), fontsize=9)
    axes.tick_params(labelbottom=False)
    axes.legend(**style.ABOVE)


def close_up(
    axes: Axes,
    whole: Axes | None,
    clock: Clock,
    steps: pd.DataFrame,
    fills: pd.DataFrame,
    headlines: pd.DataFrame,
    symbol: str,
) -> None:
    """About a minute of steps around the weightiest headline, or the fill in the middle: quotes and fills one by one.

    whole: panel of the whole episode, in which the part is framed
    """
    listed = weightiest(headlines, clock.end * clock.seconds)
    near = near_steps(steps, fills, headlines)
    low, high = float(near["time"].iloc[0]), float(near["time"].iloc[-1])
    seconds = Clock("s", 1.0, high)
    style.plain_axes(axes)
    own = fills[fills["time"].between(low, high)]
    for side, colour in (("bid", style.BUY), ("ask", style.SELL)):
        prices = quoted_prices(near, own, symbol, side)
        axes.step(near["time"], prices, where="pre", color=colour, linewidth=1.1, alpha=0.8, label=f"own {side}")
    axes.plot(near["time"], near[f"{symbol}.mid"], color=style.BLACK, linewidth=1.2, marker=".", markersize=3, label="mid")
    _fills(axes, seconds, own, size=6.0, by_lots=True)
    for number, headline, colour in listed:
        if low <= headline["time"] <= high:
            axes.axvline(headline["time"], color=colour, linewidth=1.0, linestyle=":")
            axes.text(headline["time"], 0.99, f" {number}", color=colour, fontweight="bold", va="top", fontsize=9,
                      transform=axes.get_xaxis_transform())  # fmt: skip
    axes.set_xlim(low, high if high > low else low + 1.0)
    axes.set_ylabel(style.literal(f"{symbol} price [currency]\nclose-up"), fontsize=9)
    axes.set_xlabel("time [s]; the larger a fill, the larger its mark", fontsize=9)
    axes.legend(**style.ABOVE)
    if whole is not None:
        whole.axvspan(
            float(clock(low)), float(clock(high)), ymax=0.94, facecolor="none", edgecolor=style.GREY, linewidth=0.9
        )


def near_steps(steps: pd.DataFrame, fills: pd.DataFrame, headlines: pd.DataFrame) -> pd.DataFrame:
    """The steps of a close-up: about a minute around the weightiest headline, else around the fill in the middle.

    steps, fills, headlines: of one episode, and of one symbol
    """
    time = steps["time"].to_numpy()
    listed = weightiest(headlines, float(time[-1]))
    if listed:
        centre = float(max(listed, key=lambda one: abs(one[1]["polarity"]))[1]["time"])
    else:
        centre = float(fills["time"].iloc[len(fills) // 2]) if len(fills) else float(time[-1]) / 2
    first = int(np.clip(np.searchsorted(time, centre) - _CLOSE_UP_STEPS // 3, 0, max(0, len(time) - 1 - _CLOSE_UP_STEPS)))
    return steps.iloc[first : first + _CLOSE_UP_STEPS + 1]


def quoted_prices(steps: pd.DataFrame, fills: pd.DataFrame, symbol: str, side: str) -> pd.Series:
    """Prices aimed at while they were quotes: where an order rests at the end of the step, or was filled in it."""
    filled = fills.loc[(fills["role"] == "maker") & (fills["side"] == ("buy" if side == "bid" else "sell")), "step"]
    return steps[f"{symbol}.{side}"].where((steps[f"{symbol}.{side}_lots"] > 0) | steps["step"].isin(filled))


def _fills(axes: Axes, clock: Clock, fills: pd.DataFrame, size: float, by_lots: bool = False) -> None:
    marks = {"maker": ("^", "v", "fill"), "hedge": ("D", "D", "hedge"), "liquidation": ("s", "s", "liquidation")}
    for role, (*markers, name) in marks.items():
        for side, marker, colour, verb in (
            ("buy", markers[0], style.BUY, "bought"),
            ("sell", markers[1], style.SELL, "sold"),
        ):
            part = fills[(fills["role"] == role) & (fills["side"] == side)]
            if part.empty:
                continue
            maker = role == "maker"
            axes.scatter(
                clock(part["time"]),
                part["price"] - part["basis"],
                s=size * (1.0 + 1.5 * part["quantity"]) if by_lots else size if maker else 2.5 * size,
                marker=marker,
                facecolor=colour if maker else "none",
                edgecolor="white" if maker and by_lots else colour,
                linewidth=0.5 if maker else 1.0,
                alpha=0.8,
                zorder=3 if maker else 4,
            )
            # the legend's own mark, of one size whatever the first fill's
            axes.plot([], [], linestyle="", marker=marker, markersize=5, color=colour,
                      markerfacecolor=colour if maker else "none", label=f"{name}: {verb}")  # fmt: skip


def weightiest(headlines: pd.DataFrame, end: float) -> list[tuple[int, Any, str]]:
    """The headlines that are listed with their text, in order of time: number, row, colour.

    By polarity, then by score, and far enough apart in an episode of `end` seconds for their numbers not to overlap.
    """
    order = headlines.assign(weight=headlines["polarity"].abs(), loud=headlines["score"].abs())
    listed: list[Any] = []
    for _, row in order.sort_values(["weight", "loud"], ascending=False, kind="stable").iterrows():
        if len(listed) < _HEADLINES_LISTED and all(abs(row["time"] - other["time"]) > _APART * end for other in listed):
            listed.append(row)
    listed.sort(key=lambda row: row["time"])
    return [(k + 1, row, _hue(row["polarity"])) for k, row in enumerate(listed)]


def _hue(polarity: float) -> str:
    return style.UP if polarity > 0.05 else style.DOWN if polarity < -0.05 else style.GREY


def _rug(axes: Axes, clock: Clock, headlines: pd.DataFrame, texts: bool) -> None:
    """Headlines at the top, by polarity; the weightiest numbered, with their texts below."""
    top = axes.get_xaxis_transform()
    if not headlines.empty:
        height = 0.02 + 0.03 * headlines["polarity"].abs()
        colours = [_hue(polarity) for polarity in headlines["polarity"]]
        axes.vlines(clock(headlines["time"]), 1.0 - height, 1.0, colors=colours, linewidth=1.5, transform=top)
    for number, headline, colour in weightiest(headlines, clock.end * clock.seconds):
        at = float(clock(headline["time"]))
        axes.axvline(at, ymax=0.95, color=colour, linewidth=0.8, linestyle=":", zorder=1)
        axes.text(at, 0.955, str(number), color=colour, fontsize=9, fontweight="bold", va="top", transform=top)
        if not texts:
            continue
        text = headline["text"] if len(headline["text"]) <= _TEXT_LENGTH else headline["text"][: _TEXT_LENGTH - 1] + "…"
        axes.annotate(
            style.literal(f"{number}  {headline['polarity']:+.2f}  {text}"),
            (0.0, 0.0),
            xycoords="axes fraction",
            xytext=(0, -6 - 11 * (number - 1)),
            textcoords="offset points",
            fontsize=8,
            color=colour,
            va="top",
        )


def inventory(axes: Axes, clock: Clock, steps: pd.DataFrame, symbol: str) -> None:
    """The position over the episode."""
    style.plain_axes(axes)
    time, held = clock(steps["time"]), steps[f"{symbol}.inventory"]
    axes.fill_between(time, held, 0, where=held >= 0, step="post", color=style.BUY, alpha=0.5, linewidth=0)
    axes.fill_between(time, held, 0, where=held <= 0, step="post", color=style.SELL, alpha=0.5, linewidth=0)
    axes.axhline(0.0, color=style.BLACK, linewidth=0.6)
    axes.set_ylabel(style.literal(f"{symbol} position\n[lots]"), fontsize=9)
    axes.set_xlabel(f"time [{clock.unit}]", fontsize=9)
