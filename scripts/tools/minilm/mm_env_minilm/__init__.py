"""Weights of mm_env's scorer `minilm`, in the file `minilm.npz` of this package."""
