"""The classic market: one symbol, a random walk, fills of a known intensity. `step.py` is its table of contents."""
