"""The market: pure Numba kernels on one record of state an env. Imports numpy and numba alone.

One decision step, in the order in which data flows (`step.py` calls the stages, and keeps the clock between them):

| stage | reads | writes | source |
|---|---|---|---|
| `router.select_venues` | what was learnt of fills | venues to quote | Almgren & Harts 2008; Ganchev et al. 2010 |
| `action`: `router.round_quotes`, `route_quotes`, `hedge.route_hedge` | action, default quotes and hedge | mailboxes | |
| `regime` | its stream | regime | Hamilton 1989 |
| `news` | tape or Poisson stream | price, drift, excitation, sentiment | |
| `fundamental` | regime, drift, surprise | efficient price and its parts | Lillo & Farmer 2004; Bouchaud et al. 2004 |
| `book.move_window` | efficient price | depth | |
| `flow` (takers) | excitation, mispricing, parents | trades, excitation, surprise | Ogata 1981; Lillo et al. 2005 |
| `flow` (makers) | efficient price, queues, imbalance | depth, trades | Huang et al. 2015; Bouchaud et al. 2002 |
| `replay` | a recording | depth, fills, efficient price, in place of the flow | Huang et al. 2015 |
| `book_log` | books before and after an event | a log of changes, in recordings | |
| `orders` | mailboxes that are due | own orders, hedges, snapshots | |
| `matching` | books, own orders | depth, fills | price-time priority |
| `ledger` | fills, mids, parts of the price | cash, positions, attribution | |
| `signals` | snapshots, scores | mid, imbalance, alpha, covariance | Cont, Kukanov & Stoikov 2014; RiskMetrics 1996 |
| `router.learn` | snapshots | fill rates, adverse moves by venue | |
| `risk` | seen positions, covariance, history | VaR, expected shortfall, marginal VaR | Favre & Galeano 2002 |
| `quoting` | seen mid, alpha, covariance, positions | default quotes and sizes | Avellaneda & Stoikov 2008 |
| `hedge.default_hedge` | VaR, covariance | default hedge | |
| `reward` | ledger | named terms | Cartea, Jaimungal & Penalva 2015; Spooner et al. 2018 |
| `observe` | all that the agent may see | observation row | |
| `report` | ledger, risk | result record | |

Between two steps `switch` brings the state in line with other params, for stresses. `start` begins an episode.

What every fill assumes: a taker trades with the best price first; at a price, with the lots ahead of the agent's order, then
with the order, then with those behind it. A message of the agent acts when it reaches its venue, never before; an order that
is kept at its price and does not grow keeps its place; post-only orders are repriced, never matched. Others' lots cancel
where they are. The mid that marks positions is that of the other traders.

The classic market (`classic/`, with a table of its own in `classic/step.py`) stands beside it: one symbol, a
random walk, fills of a known intensity. It shares the random numbers, the formulas of `quoting` and how kernels are
compiled; `closed_forms` holds the depths of its policies.
"""
