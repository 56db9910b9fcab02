"""What the software is checked against: published figures, closed forms, and simulations of the same.

module    | what
--------- | ----
checks    | a check, its verdict, and tables of checks
as2008    | Avellaneda & Stoikov 2008: the published table, exact moments, the classic environment
glft      | Guéant, Lehalle & Fernandez-Tapia 2013: depths, finite and infinite horizon
cj        | Cartea, Jaimungal & Penalva 2015: value and depths, the optimum on the lattice
hawkes    | Hawkes arrivals of both markets: rates, dispersion of counts, rescaled times
signature | signature plot of two cross-exciting streams
var       | backtests of value at risk: Kupiec, Christoffersen, Basel
sampling  | sampled episodes against exact moments
weights   | the solution of glft and cj by another method than the policies'
sections  | the sections by name, and what may be changed of each

A section is a frozen dataclass whose fields are its parameters and whose defaults are those of the publication; `run` plays
and computes. Exact figures are computed here by formulas of their own, not by the kernels that they are to check.
"""
