"""Agents trained with stable-baselines3 beside the policies of `mm_env`, and what watches and compares them."""
