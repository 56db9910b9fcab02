"""Closed forms and exact results that simulations are compared with.

module   | what
-------- | ----
lattice  | exact moments of any inventory policy on the classic lattice, without sampling
optimal  | the optimal value on the classic lattice, and the value of a constant depth
hawkes   | Hawkes processes: rates, count covariances, signature plots, rescaled times
takers   | arrival times of the book market's takers, and the Hawkes process that they should follow
matrices | the exponential of a small matrix
"""
