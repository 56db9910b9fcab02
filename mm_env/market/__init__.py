"""From a configuration to the arrays that kernels read. The one room that knows both.

module  | what
------- | ----
build   | the market of a configuration: params, headlines, their texts; the last few are kept
replay  | the rows of a recording that drives the books
classic | the classic market
"""
