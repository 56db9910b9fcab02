"""Environments: the vector env, its N = 1 view, wrappers and rendering."""
