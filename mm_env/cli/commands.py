"""Table of the commands."""

from __future__ import annotations

from typing import NamedTuple

PLAY = "Play and compare"
LEARN = "Train and tune"
RISK = "Risk and attribution"
DATA = "Market data and fitted markets"
NEWS = "News and sentiment"
FILES = "Market files"
TOOLS = "Checks and maintenance"


class Command(NamedTuple):
    """One command.

    target: module of this package and function; help: its first line of help, which the function's docstring repeats;
    packages: what it needs beyond the core, checked before it runs; extra: brings all of them
    """

    target: str
    panel: str
    help: str
    packages: tuple[str, ...] = ()
    extra: str | None = None


COMMANDS = {
    "baseline": Command("baseline:main", PLAY, "Run a policy on a market and write a run folder."),
    "compare": Command(
        "compare:main", PLAY, "Compare policies on the same held-out episodes.", ("matplotlib", "pyarrow"), "report",
    ),
    "scenarios": Command(
        "scenarios:main", PLAY, "Run a policy under market scenarios.", ("matplotlib", "pyarrow"), "report",
    ),
    "ablate": Command("ablate:main", PLAY, "Measure the contribution of each part of the default policy."),
    "report": Command(
        "report:main", PLAY, "Write an HTML page and a PDF of saved results.",
        ("matplotlib", "plotly", "reportlab", "pyarrow"), "report",
    ),
    "dashboard": Command("dashboard:main", PLAY, "Open the dashboard in a browser.", ("streamlit",), "dashboard"),
    "train": Command(
        "train:main", LEARN, "Train an agent and compare it with the baseline.",
        ("stable_baselines3", "sb3_contrib", "torch", "tensorboard", "matplotlib", "pyarrow"), "rl",
    ),
    "tune": Command("tune:main", LEARN, "Tune a policy's parameters on the market's reward.", ("optuna", "cmaes"), "tune"),
    "fit-alpha": Command(
        "fit_alpha:main", LEARN, "Fit the weights of sentiment and order-book imbalance.", ("matplotlib",), "report",
    ),
    "attribute": Command(
        "attribute:main", RISK, "Attribute profit to symbols, venues, regimes, periods and sides.",
        ("matplotlib", "pyarrow"), "report",
    ),
    "backtest-var": Command(
        "backtest_var:main", RISK, "Backtest value at risk and expected shortfall.", ("matplotlib", "scipy"), "data",
    ),
    "record-market": Command("record_market:main", DATA, "Record a simulated order book as events.", ("pyarrow",), "data"),
    "record-prices": Command("record_prices:main", DATA, "Record bars, trades, quotes and books.", ("pyarrow",), "prices"),
    "convert": Command("convert:main", DATA, "Convert market data into events.", ("pyarrow",), "data"),
    "export": Command("export:main", DATA, "Export events for LOBSTER readers or hftbacktest.", ("pyarrow",), "data"),
    "describe": Command(
        "describe:main", DATA, "Estimate what market data shows, with standard errors.",
        ("pyarrow", "scipy", "sklearn", "matplotlib"), "data",
    ),
    "calibrate": Command(
        "calibrate:main", DATA, "Fit a market to recorded events.", ("pyarrow", "scipy", "sklearn", "matplotlib"), "data",
    ),
    "realism": Command(
        "realism:main", DATA, "Score how close simulated markets are to a real one.", ("pyarrow", "scipy", "matplotlib"),
        "data",
    ),
    "stylised-facts": Command(
        "stylised_facts:main", DATA, "Check the stylised facts of simulated markets.", ("matplotlib",), "report",
    ),
    "record-news": Command("record_news:main", NEWS, "Record headlines from feeds and providers."),
    "sentiment-train": Command(
        "sentiment_train:main", NEWS, "Train the headline scorers on labelled headlines.", ("sklearn", "scipy"),
        "sentiment",
    ),
    "sentiment-evaluate": Command("sentiment_evaluate:main", NEWS, "Evaluate headline scorers on labelled headlines."),
    "sentiment-value": Command("sentiment_value:main", NEWS, "Measure what each headline scorer earns the policy."),
    "presets": Command("market_files:presets", FILES, "List the presets."),
    "show": Command("market_files:show", FILES, "Print a market with every parameter."),
    "check": Command("market_files:check", FILES, "Check a market file."),
    "schema": Command("market_files:schema", FILES, "Print the JSON schema of market files."),
    "migrate": Command("market_files:migrate", FILES, "Rewrite market files of an older version."),
    "validate": Command("validate:main", TOOLS, "Reproduce published figures and closed forms."),
    "benchmark": Command("benchmark:main", TOOLS, "Measure speed, start-up and memory."),
    "compile": Command("kernels:compile_kernels", TOOLS, "Compile the simulator's kernels ahead of the first run."),
    "clean-cache": Command("kernels:clean_cache", TOOLS, "Remove compiled kernels and cached headline scores."),
}  # fmt: skip
