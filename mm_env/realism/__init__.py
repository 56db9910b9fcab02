"""How close a simulated market is to a real one.

module        | what
------------- | ----
scores        | distances of distributions and responses, in the manner of LOB-Bench
cst           | the zero-intelligence market of Cont, Stoikov & Talreja: its fit (cst_book: its simulation)
stylised      | stylised facts of returns and trade signs: tails, autocorrelation, memory, with errors over envs
stylised_book | stylised facts of the book: spread, imbalance, impact of orders, signature plot
sampling_book | paths of the book market with nobody quoting, with and without a parent order
facts         | which stylised facts a market shows, and by which rule
"""
