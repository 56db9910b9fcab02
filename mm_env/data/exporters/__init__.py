"""Exporters: `mm_env.data.events` written for other software.

module      | what
----------- | ----
lobster     | LOBSTER's pair of files
hftbacktest | hftbacktest's array
"""
