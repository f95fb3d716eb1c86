"""Explicit vectors for compiled kernels: a row of lanes at a time, held in registers.

A compiler does not vectorise loops over lanes when it cannot know that the arrays do
not overlap. Here a row of an array is loaded as one LLVM vector of 8 to 128 numbers, and
``+ - * /`` and the functions below act on vectors. Each function has a plain body, which
runs on numpy rows without the compiler (``NUMBA_DISABLE_JIT=1``), and a type and an LLVM
instruction for the compiler.
"""

import operator
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.datamodel import models
from numba.extending import lower_builtin, register_model, type_callable

__all__ = [
    "LANES",
    "Lanes8",
    "Lanes16",
    "Lanes32",
    "Lanes64",
    "Vector",
    "absolute",
    "extract",
    "fma",
    "insert",
    "lane_count",
    "largest",
    "load",
    "power_of_two",
    "root",
    "round_",
    "row_pointer",
    "select",
    "splat",
    "store",
]


class Lanes8(NamedTuple):
    """8 lanes a row: 64 bytes of float64."""

    lanes: int = 8


class Lanes16(NamedTuple):
    """16 lanes a row: 128 bytes of float64, 64 of float32."""

    lanes: int = 16


class Lanes32(NamedTuple):
    """32 lanes a row: 128 bytes of float32."""

    lanes: int = 32


class Lanes64(NamedTuple):
    """64 lanes a row: 256 bytes of float32, for the benchmark's floor of loads."""

    lanes: int = 64


LANES = {kind: kind().lanes for kind in (Lanes8, Lanes16, Lanes32, Lanes64)}


class Vector(types.Type):
    """The type of a row of lanes in compiled code."""

    def __init__(self, scalar, lanes):
        self.scalar, self.lanes = scalar, lanes
        super().__init__(name=f"Vector({scalar}, {lanes})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        scalar = manager.lookup(kind.scalar).get_value_type()
        super().__init__(manager, kind, ir.VectorType(scalar, kind.lanes))


def _as_vector(context, builder, kind, value, vector):
    """Return a vector as it is, and a number in every lane."""
    if isinstance(kind, Vector):
        return value
    scalar = context.cast(builder, value, kind, vector.scalar)
    llvm = context.get_value_type(vector)
    one = builder.insert_element(
        ir.Constant(llvm, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)
    )
    mask = ir.Constant(ir.VectorType(ir.IntType(32), vector.lanes), [0] * vector.lanes)
    return builder.shuffle_vector(one, ir.Constant(llvm, ir.Undefined), mask)


def _vectors(context, builder, signature, args):
    """Return all arguments as vectors of the first vector's kind."""
    vector = next(kind for kind in signature.args if isinstance(kind, Vector))
    pairs = zip(signature.args, args, strict=True)
    return vector, [_as_vector(context, builder, kind, value, vector) for kind, value in pairs]


def _first_vector(*kinds):
    """Return the type of the first vector, or None where the others are not numbers."""
    if not all(isinstance(kind, (Vector, types.Number)) for kind in kinds):
        return None
    return next((kind for kind in kinds if isinstance(kind, Vector)), None)


# --- rows ---------------------------------------------------------------------------------------
def load(array, row, tag):
    """Return row ``row`` of a C-contiguous array (rows, lanes of ``tag``)."""
    return array[row]


def store(array, row, vector):
    """Write a row."""
    array[row] = vector


def row_pointer(context, builder, array, value, kind, row, vector):
    """Return a pointer to a row as a vector; rows are contiguous and of exactly its length.

    ``array`` and ``kind`` are the types of the array ``value`` and of the number ``row``.
    """
    data = context.make_array(array)(context, builder, value).data
    index = context.cast(builder, row, kind, types.int64)
    offset = builder.mul(index, ir.Constant(index.type, vector.lanes))
    return builder.bitcast(builder.gep(data, [offset]), context.get_value_type(vector).as_pointer())


def _row(context, builder, signature, args, vector):
    array, row = signature.args[:2]
    return row_pointer(context, builder, array, args[0], row, args[1], vector)


@type_callable(load)
def _type_load(context):
    return lambda array, row, tag: Vector(array.dtype, LANES[tag.instance_class])


@lower_builtin(load, types.Any, types.Any, types.Any)
def _lower_load(context, builder, signature, args):
    found = builder.load(_row(context, builder, signature, args, signature.return_type))
    found.align = signature.args[0].dtype.bitwidth // 8
    return found


@type_callable(store)
def _type_store(context):
    return lambda array, row, vector: types.none


@lower_builtin(store, types.Any, types.Any, types.Any)
def _lower_store(context, builder, signature, args):
    pointer = _row(context, builder, signature, args, signature.args[2])
    builder.store(args[2], pointer, align=signature.args[0].dtype.bitwidth // 8)
    return context.get_dummy_value()


# --- arithmetic ---------------------------------------------------------------------------------
def _register_operator(symbol, instruction):
    """Teach the compiler an operator of vectors, or of a vector and a number.

    The instruction may be fused with its neighbour.
    """
    type_callable(symbol)(lambda context: lambda x, y: _first_vector(x, y))

    @lower_builtin(symbol, Vector, Vector)
    @lower_builtin(symbol, Vector, types.Number)
    @lower_builtin(symbol, types.Number, Vector)
    def lower(context, builder, signature, args):
        _, (x, y) = _vectors(context, builder, signature, args)
        return getattr(builder, instruction)(x, y, flags=("contract",))


for _symbol, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _register_operator(_symbol, _instruction)


def _register_function(function, name, arity):
    """Teach the compiler a function of vectors that LLVM has, such as ``llvm.fma``."""
    if arity == 1:
        type_callable(function)(lambda context: lambda x: _first_vector(x))
    elif arity == 2:
        type_callable(function)(lambda context: lambda x, y: _first_vector(x, y))
    else:
        type_callable(function)(lambda context: lambda x, y, z: _first_vector(x, y, z))

    @lower_builtin(function, *[types.Any] * arity)
    def lower(context, builder, signature, args):
        vector, values = _vectors(context, builder, signature, args)
        kind = context.get_value_type(vector)
        suffix = f"v{vector.lanes}f{vector.scalar.bitwidth}"
        called = builder.module.declare_intrinsic(
            f"llvm.{name}.{suffix}", (), ir.FunctionType(kind, [kind] * arity)
        )
        return builder.call(called, values)


def fma(x, y, z):
    """Return x·y + z, rounded once where compiled."""
    return x * y + z


def absolute(x):
    """Return |x|."""
    return np.abs(x)


def root(x):
    """Return √x."""
    return np.sqrt(x)


def round_(x):
    """Return the nearest whole numbers."""
    return np.rint(x)


def largest(x, y):
    """Return the larger of two, lane by lane."""
    return np.maximum(x, y)


_register_function(fma, "fma", 3)
_register_function(absolute, "fabs", 1)
_register_function(root, "sqrt", 1)
_register_function(round_, "rint", 1)
_register_function(largest, "maxnum", 2)


def splat(value, like):
    """Return ``value`` in every lane, as a vector of the kind of ``like``."""
    return np.full_like(like, value)


@type_callable(splat)
def _type_splat(context):
    return lambda value, like: like


@lower_builtin(splat, types.Any, Vector)
def _lower_splat(context, builder, signature, args):
    return _as_vector(context, builder, signature.args[0], args[0], signature.args[1])


def select(test, x, y):
    """Return x where test > 0, else y."""
    return np.where(test > 0, x, y)


@type_callable(select)
def _type_select(context):
    return lambda test, x, y: _first_vector(test, x, y)


@lower_builtin(select, types.Any, types.Any, types.Any)
def _lower_select(context, builder, signature, args):
    vector, (test, x, y) = _vectors(context, builder, signature, args)
    zero = ir.Constant(test.type, [0.0] * vector.lanes)
    return builder.select(builder.fcmp_ordered(">", test, zero), x, y)


def power_of_two(k):
    """Return 2ᵏ of whole numbers k within the range of exponents."""
    return np.ldexp(np.ones_like(k), k.astype(np.int32))


@type_callable(power_of_two)
def _type_power_of_two(context):
    return lambda k: k


@lower_builtin(power_of_two, Vector)
def _lower_power_of_two(context, builder, signature, args):
    (k,) = signature.args
    bits, mantissa, bias = (64, 52, 1023) if k.scalar.bitwidth == 64 else (32, 23, 127)
    kind = ir.VectorType(ir.IntType(bits), k.lanes)
    whole = builder.add(builder.fptosi(args[0], kind), ir.Constant(kind, [bias] * k.lanes))
    whole = builder.shl(whole, ir.Constant(kind, [mantissa] * k.lanes))
    return builder.bitcast(whole, context.get_value_type(k))


# --- single lanes -------------------------------------------------------------------------------
def lane_count(x):
    """Return the number of lanes."""
    return len(x)


@type_callable(lane_count)
def _type_lane_count(context):
    return lambda x: types.int64


@lower_builtin(lane_count, Vector)
def _lower_lane_count(context, builder, signature, args):
    return context.get_constant(types.int64, signature.args[0].lanes)


def extract(x, i):
    """Return lane i."""
    return x[i]


@type_callable(extract)
def _type_extract(context):
    return lambda x, i: x.scalar


@lower_builtin(extract, Vector, types.Integer)
def _lower_extract(context, builder, signature, args):
    return builder.extract_element(args[0], args[1])


def insert(x, i, value):
    """Return x with lane i replaced."""
    found = x.copy()
    found[i] = value
    return found


@type_callable(insert)
def _type_insert(context):
    return lambda x, i, value: x


@lower_builtin(insert, Vector, types.Integer, types.Any)
def _lower_insert(context, builder, signature, args):
    scalar = context.cast(builder, args[2], signature.args[2], signature.args[0].scalar)
    return builder.insert_element(args[0], scalar, args[1])
