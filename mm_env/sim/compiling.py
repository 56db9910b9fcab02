"""The decorators of kernels.

Kernels are compiled without reference counts, so that nothing in them can allocate, and without tests for division by
zero. `pipeline` says how, `machine_code` where the result is kept.
"""

import functools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from mm_env.sim.pipeline import EntryPoint, Kernel

# numba's option for code without reference counts is not in its type hints
OPTIONS: dict[str, Any] = {"nopython": True, "boundscheck": None, "_nrt": False, "error_model": "numpy"}
_LINE = 64  # [bytes] of a cache
_INTERPRETED: bool = numba.config.DISABLE_JIT  # type: ignore[attr-defined]


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function that only kernels call."""
    return function if _INTERPRETED else Kernel(function, OPTIONS)


def inlined(function: Callable[..., Any]) -> Any:
    """The same, into its callers: no call, no copied arguments, and indices that the compiler knows not to be negative."""
    return function if _INTERPRETED else Kernel(function, OPTIONS | {"forceinline": True})


def entry_point(function: Callable[..., None]) -> Any:
    """Compile a function that Python calls: it releases the GIL, and its machine code is kept on disk."""
    return _interpreted(function) if _INTERPRETED else EntryPoint(function, OPTIONS | {"nogil": True})


def _interpreted(function: Callable[..., None]) -> Any:
    """The function itself, where Numba is off; Python reads fields of record arrays as attributes, as kernels do."""

    def run(*arguments: Any) -> None:
        with np.errstate(over="ignore"):  # random bits wrap around by design
            function(*map(_as_records, arguments))

    run.signatures = []  # type: ignore[attr-defined]
    return functools.update_wrapper(run, function)


def _as_records(value: Any) -> Any:
    if isinstance(value, tuple):
        return type(value)(*map(_as_records, value)) if hasattr(value, "_fields") else tuple(map(_as_records, value))
    return value.view(np.recarray) if getattr(getattr(value, "dtype", None), "names", None) else value


@intrinsic
def _prefetch(typing_context: Any, record: Any, part: Any, parts: Any) -> Any:
    """Ask for the cache lines of one part of a record."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", (pointer,), kind)
        start = builder.bitcast(arguments[0], pointer)
        lines = context.get_constant(types.intp, -(-record.size // _LINE))
        low = builder.sdiv(builder.mul(lines, arguments[1]), arguments[2])
        high = builder.sdiv(builder.mul(lines, builder.add(arguments[1], arguments[1].type(1))), arguments[2])
        with cgutils.for_range_slice(builder, low, high, low.type(1)) as (line, _):
            address = builder.gep(start, [builder.mul(line, line.type(_LINE))])
            builder.call(fetch, [address, number(1), number(3), number(1)])  # to write, to every cache, data
        return context.get_dummy_value()

    return types.void(record, types.intp, types.intp), generate


_ask: Any = (lambda record, part, parts: None) if _INTERPRETED else _prefetch


@inlined
def prefetch(record, part, parts):
    """Ask for one of `parts` parts of a record ahead of its use: all at once would take every free line buffer."""
    _ask(record, part, parts)
