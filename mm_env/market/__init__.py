"""From a configuration to the arrays that kernels read. The one room that knows both.

module  | what
------- | ----
build   | the market of a configuration: params, headlines, their texts; the last few are kept
params  | the params of a configuration
replay  | the events of a recording that drives the books
classic | the classic market
"""
