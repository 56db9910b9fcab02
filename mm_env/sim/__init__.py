"""The market: pure Numba kernels on one record of state an env."""
