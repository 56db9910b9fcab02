"""Thin command lines over mm_env and agents."""
