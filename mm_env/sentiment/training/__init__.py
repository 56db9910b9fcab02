"""How the shipped scorers are trained; needs nothing beside the package but labelled headlines.

module  | what
------- | ----
phrases | headlines made from patterns, beside the real ones
fit     | weights of `tfidf` and of the head of `minilm`
"""
