"""Recipes: one runnable, readable file an algorithm, over `mm_env.learning`."""
