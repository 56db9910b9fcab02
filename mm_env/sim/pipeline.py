"""How Numba compiles kernels here: each is typed and lowered once, and machine code is made once, at the entry point.

Numba by itself links all that a function calls into it, optimises the whole, and makes machine code and wrappers for Python;
it does so for every function and every width of its whole numbers, so that the same code is optimised many times. Here a
kernel takes whole numbers as int64 and stops at LLVM's intermediate code; an entry point links the kernels below it,
optimises them together and makes machine code of the result. Kernels hold no closures, generators or `with`, so the passes
that look for these are left out.

This stands on Numba's internals, all of which are named in the imports below.
"""

import gc
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, ClassVar

from llvmlite.binding import Linkage
from numba.core import compiler, typed_passes, types, untyped_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.dispatcher import _FunctionCompiler  # type: ignore[attr-defined]  # of no stub
from numba.core.registry import CPUDispatcher

from mm_env.sim.machine_code import KernelCache, compile_lock

logger = logging.getLogger(__name__)

_PATIENCE = 2.0  # [s] of compiling before a line says so
_LINE_SECONDS = 15.0  # between lines, where a line cannot move


class _Linked(JITCodeLibrary):
    """Code of an entry point; what it calls is linked in as it was lowered, and optimised with it."""

    def add_linking_library(self, library: Any) -> None:
        """Keep a library to link in."""
        self._linking_libraries.append(library)

    def finalize(self) -> None:
        """Link all that is called, directly or not; optimise; make machine code."""
        self._raise_if_finalized()
        self._codegen._check_llvm_bugs()
        _link_below(self, self._final_module)
        self._optimize_final_module()
        self._final_module.verify()
        self._finalize_final_module()

    def _optimize_final_module(self) -> None:
        """All of LLVM's passes; not Numba's first round, which prepares the pruning of reference counts: there are none."""
        passes, builder = self._codegen._module_pass_manager()
        passes.run(self._final_module, builder)


class _Lowered(JITCodeLibrary):
    """Code of a kernel that only kernels call: neither optimised nor made machine code by itself."""

    _whole_module: Any = None

    def add_linking_library(self, library: Any) -> None:
        self._linking_libraries.append(library)

    def add_llvm_module(self, module: Any) -> None:
        module.data_layout = self._codegen._data_layout
        self._final_module.link_in(module)

    def finalize(self) -> None:
        """Nothing: the code waits for an entry point."""
        self._finalized = True

    def _get_module_for_linking(self) -> Any:
        """The code with all below it, for a function that Numba compiles in its own way."""
        if self._whole_module is None:
            self._whole_module = _shared_module(self).clone()
            _link_below(self, self._whole_module)
            _share(self._whole_module)
        return self._whole_module


def _link_below(library: Any, module: Any) -> None:
    """Link all that a library's code calls, directly or not, into a module."""
    left, seen = list(library._linking_libraries), {library}
    while left:
        below = left.pop()
        if below in seen:
            continue
        seen.add(below)
        library._reload_init.update(below._reload_init)
        if isinstance(below, _Lowered) or not below._finalized:
            module.link_in(_shared_module(below), preserve=True)
            left += below._linking_libraries
        else:
            module.link_in(below._get_module_for_linking(), preserve=True)


def _shared_module(library: Any) -> Any:
    """A copy of a library's own module to link into others."""
    if library._shared_module is None:
        library._shared_module = library._final_module.clone()
        _share(library._shared_module)
    return library._shared_module


def _share(module: Any) -> None:
    """Let functions of a module stand in several others, which drop what they do not use of it."""
    for function in module.functions:
        if not function.is_declaration and function.linkage == Linkage.external:
            function.linkage = "linkonce_odr"


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerKernel(typed_passes.NativeLowering):
    _name = "lower_kernel"

    def run_pass(self, state: Any) -> bool:
        state.library = _Lowered(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = state.flags.no_cpython_wrapper = state.flags.no_cfunc_wrapper = True
        super().run_pass(state)
        lowered = state.cr

        def key(*arguments: Any) -> None:  # by which callers find the kernel's code; never called
            raise AssertionError(state.func_id.func_qualname)

        state.targetctx.insert_user_function(key, lowered.fndesc, [state.library])
        state.cr = compiler._LowerResult(lowered.fndesc, lowered.call_helper, cfunc=key, env=lowered.env)
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _LowerEntryPoint(typed_passes.NativeLowering):
    _name = "lower_entry_point"

    def run_pass(self, state: Any) -> bool:
        state.library = _Linked(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        state.flags.no_cfunc_wrapper = True
        return bool(super().run_pass(state))


@register_pass(mutates_CFG=False, analysis_only=True)
class _NoAnnotation(typed_passes.AnnotateTypes):
    """In place of a listing of the source with its types, which takes seconds for all kernels and nobody reads."""

    _name = "no_annotation"

    def run_pass(self, state: Any) -> bool:
        state.type_annotation = None
        return False


class _Passes(PassManager):
    """Runs passes without Numba's events, each of which spells out every field of the records that a kernel takes."""

    @global_compiler_lock
    def _runPass(self, index: int, step: Any, state: Any) -> None:
        step.analysis = self._analysis
        step.run_initialization(state)
        step.run_pass(state)
        step.run_finalizer(state)


def _compiler_with(lowering: type) -> type:
    class KernelCompiler(compiler.CompilerBase):
        def define_pipelines(self) -> list[PassManager]:
            passes = _Passes("kernel")
            for step in (
                untyped_passes.TranslateByteCode,
                untyped_passes.FixupArgs,
                untyped_passes.IRProcessing,
                untyped_passes.RewriteSemanticConstants,
                untyped_passes.DeadBranchPrune,
                untyped_passes.GenericRewrites,
                untyped_passes.ReconstructSSA,
                typed_passes.NopythonTypeInference,
                typed_passes.PreLowerStripPhis,
                typed_passes.IRLegalization,
                _NoAnnotation,
                lowering,
                typed_passes.NoPythonBackend,
            ):
                passes.add_pass(step, step._name)  # type: ignore[attr-defined]
            passes.finalize()
            return [passes]

    return KernelCompiler


class _Flags(compiler.Flags):
    """Flags that hash once: Numba looks up templates by all their 40 values some 80,000 times."""

    _hash: int | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name != "_hash":
            self._hash = None

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(tuple(sorted(self.values())))
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or bool(super().__eq__(other))


class _SharingCompiler(_FunctionCompiler):
    """Compiles all kernels with one set of flags, so that their look-ups compare by identity."""

    shared: dict[str, _Flags] = {}  # noqa: RUF012 (the point is that all share it)

    def _compile_core(self, args: Any, return_type: Any) -> Any:
        name = repr(sorted(self.targetoptions.items()))
        if name not in self.shared:
            self.shared[name] = _Flags()
            self.targetdescr.options.parse_as_flags(self.shared[name], self.targetoptions)
        target = self.targetdescr
        return compiler.compile_extra(
            target.typing_context, target.target_context, self.py_func, args=args, return_type=return_type,
            flags=self.shared[name], locals=self.locals, pipeline_class=self.pipeline_class,
        )  # fmt: skip


class Kernel(CPUDispatcher):
    """A kernel that kernels call. From Python it is an entry point of its own, compiled at the first call."""

    made = 0  # in this process
    on_lowered: ClassVar[Callable[[], None]] = staticmethod(lambda: None)

    def __init__(self, function: Any, options: dict[str, Any]) -> None:
        super().__init__(py_func=function, targetoptions=options, pipeline_class=_compiler_with(_LowerKernel))
        self._compiler.__class__ = _SharingCompiler  # type: ignore[attr-defined]
        self._from_python: EntryPoint | None = None
        Kernel.made += 1

    def get_call_template(self, arguments: Any, keywords: Any) -> Any:
        """How a caller calls it: whole numbers as int64, so that it is lowered once and not for each width and literal."""
        return super().get_call_template(tuple(_widened(one) for one in arguments), keywords)

    def add_overload(self, result: Any) -> None:
        """Keep a signature that was lowered, which Python itself cannot call."""
        self.overloads[tuple(result.signature.args)] = result
        Kernel.on_lowered()

    def __call__(self, *arguments: Any) -> Any:
        """Call it from Python."""
        if self._from_python is None:
            self._from_python = EntryPoint(self.py_func, self.targetoptions, cached=False)
        return self._from_python(*arguments)


class EntryPoint(CPUDispatcher):
    """A kernel that Python calls. cached: its machine code is kept on disk."""

    def __init__(self, function: Any, options: dict[str, Any], cached: bool = True) -> None:
        super().__init__(py_func=function, targetoptions=options, pipeline_class=_compiler_with(_LowerEntryPoint))
        self.cached = cached

    def compile(self, signature: Any) -> Any:
        """Machine code of a signature, from the cache or compiled; one process compiles while others wait for it."""
        if not self.cached:
            with global_compiler_lock, _no_collection(), _progress():
                return super().compile(signature)
        if not isinstance(self._cache, KernelCache):  # type: ignore[has-type]
            self._cache = KernelCache(self.py_func)
        if self._cache.holds(signature, self.targetctx):
            return super().compile(signature)
        with global_compiler_lock, compile_lock(), _no_collection(), _progress():
            return super().compile(signature)


def _widened(kind: Any) -> Any:
    kind = types.unliteral(kind)
    narrow = isinstance(kind, types.Integer) and kind.bitwidth < 64  # type: ignore[attr-defined]
    return types.int64 if narrow else kind


@contextmanager
def _no_collection() -> Iterator[None]:
    """Collect no garbage: compiling makes millions of objects that live on; visiting them took a fifth of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def _progress() -> Iterator[None]:
    """Say how far compiling is, once it takes long: a line that moves on a terminal, else a line now and then."""
    start = said = monotonic()
    count, moving, before = 0, sys.stderr.isatty(), Kernel.on_lowered

    def tick() -> None:
        nonlocal count, said
        count += 1
        now = monotonic()
        if now - start < _PATIENCE or now - said < (0.2 if moving else _LINE_SECONDS if said > start else 0.0):
            return
        said = now
        text = f"mm_env compiles its kernels, once for this version and processor: {count} of at most {Kernel.made}"
        if moving:
            _write(f"\r{text}")
        else:
            logger.warning("%s", text)

    Kernel.on_lowered = staticmethod(tick)
    try:
        yield
    finally:
        Kernel.on_lowered = before
        if said > start:
            if moving:
                _write("\r\033[K")
            logger.warning("mm_env compiled its kernels in %.0f s", monotonic() - start)


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
