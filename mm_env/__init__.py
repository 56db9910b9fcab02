"""A market that fights back: gymnasium environments of multi-venue limit order books for market-making policies."""

__version__ = "0.1.0"
