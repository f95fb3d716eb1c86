"""Several rows at a time: tiles of 1, 2 or 4 rows that meet the same other row.

A pair (g, h) needs a[g], b[h] and the row of its target. Where four rows g meet the same h,
b[h] and its gradient are loaded and stored once for four pairs, and four sums that do not
wait for each other run side by side. The rows of a tile are one vector, one after another.
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import lower_builtin, type_callable

from groupfeat.energy.kernels._vectors import LANES, Vector, row_pointer

__all__ = [
    "Fours",
    "Ones",
    "Twos",
    "add_products",
    "fold",
    "load_rows",
    "load_strided",
    "repeat",
    "store_rows",
    "store_strided",
]


class Ones(NamedTuple):
    """One row of lanes a vector."""

    tag: object


class Twos(NamedTuple):
    """Two rows of lanes a vector."""

    tag: object


class Fours(NamedTuple):
    """Four rows of lanes a vector."""

    tag: object


_WIDTHS = {Ones: 1, Twos: 2, Fours: 4}


def load_rows(array, index, i, tile):
    """Return the rows ``index[i]`` of an array (rows, lanes), one after another."""
    return array[index[i]].ravel()


def store_rows(array, index, i, vector, tile):
    """Write the rows ``index[i]``, which differ."""
    array[index[i]] = vector.reshape(_WIDTHS[type(tile)], -1)


def load_strided(array, first, stride, tile):
    """Return the rows ``first``, ``first + stride``, … of an array, one after another."""
    return array[first::stride][: _WIDTHS[type(tile)]].ravel()


def store_strided(array, first, stride, vector, tile):
    """Write the rows ``first``, ``first + stride``, …."""
    width = _WIDTHS[type(tile)]
    array[first::stride][:width] = vector.reshape(width, -1)


def repeat(row, tile):
    """Return a row as often as the tile has rows."""
    return np.tile(row, _WIDTHS[type(tile)])


def add_products(total, x, y, tile):
    """Return a row plus the products of the rows of x and y, one after another."""
    width = _WIDTHS[type(tile)]
    for a, b in zip(x.reshape(width, -1), y.reshape(width, -1), strict=True):
        total = a * b + total
    return total


def fold(x, tile):
    """Return the sum of the rows of x."""
    return x.reshape(_WIDTHS[type(tile)], -1).sum(0)


# --- types --------------------------------------------------------------------------------------
def _row_type(tile, scalar):
    return Vector(scalar, LANES[tile.types[0].instance_class])


def _type_load_rows(array, index, i, tile):
    return _tile_type(tile, array.dtype)


def _tile_type(tile, scalar):
    return Vector(scalar, LANES[tile.types[0].instance_class] * _WIDTHS[tile.instance_class])


type_callable(load_rows)(lambda context: _type_load_rows)
type_callable(store_rows)(lambda context: lambda array, index, i, vector, tile: types.none)
type_callable(load_strided)(lambda context: _type_load_rows)
type_callable(store_strided)(lambda context: lambda array, first, stride, vector, tile: types.none)
type_callable(repeat)(lambda context: lambda row, tile: _tile_type(tile, row.scalar))
type_callable(add_products)(lambda context: lambda total, x, y, tile: total)
type_callable(fold)(lambda context: lambda x, tile: _row_type(tile, x.scalar))


# --- instructions -------------------------------------------------------------------------------
def _shuffle(builder, x, y, positions):
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(positions)), positions)
    return builder.shuffle_vector(x, y, mask)


def _row_of(builder, x, j, lanes):
    """Return row j of a tile."""
    return _shuffle(builder, x, x, list(range(j * lanes, (j + 1) * lanes)))


def _rows_of(builder, x, tile, lanes):
    return [_row_of(builder, x, j, lanes) for j in range(_WIDTHS[tile.instance_class])]


def _join(builder, rows):
    while len(rows) > 1:
        count = 2 * rows[0].type.count
        rows = [
            _shuffle(builder, x, y, list(range(count)))
            for x, y in zip(rows[::2], rows[1::2], strict=True)
        ]
    return rows[0]


def _indexed(context, builder, signature, args):
    """Return pointers to the rows ``index[i]``."""
    (array, index, i), tile = signature.args[:3], signature.args[-1]
    width = _WIDTHS[tile.instance_class]
    data = context.make_array(index)(context, builder, args[1]).data
    first = builder.mul(context.cast(builder, args[2], i, types.int64), _int64(width))
    ats = [builder.load(builder.gep(data, [builder.add(first, _int64(j))])) for j in range(width)]
    row = _row_type(tile, array.dtype)
    return [row_pointer(context, builder, array, args[0], index.dtype, at, row) for at in ats]


def _strided(context, builder, signature, args):
    """Return pointers to the rows ``first + j·stride``."""
    (array, first, stride), tile = signature.args[:3], signature.args[-1]
    at = context.cast(builder, args[1], first, types.int64)
    step = context.cast(builder, args[2], stride, types.int64)
    row, found = _row_type(tile, array.dtype), []
    for _ in range(_WIDTHS[tile.instance_class]):
        found.append(row_pointer(context, builder, array, args[0], types.int64, at, row))
        at = builder.add(at, step)
    return found


def _int64(value):
    return ir.Constant(ir.IntType(64), value)


def _register_rows(load_function, store_function, pointers_of):
    """Teach the compiler to load and store a tile."""
    any_ = types.Any

    @lower_builtin(load_function, any_, any_, any_, any_)
    def lower_load(context, builder, signature, args):
        pointers = pointers_of(context, builder, signature, args)
        align = signature.args[0].dtype.bitwidth // 8
        return _join(builder, [builder.load(pointer, align=align) for pointer in pointers])

    @lower_builtin(store_function, any_, any_, any_, any_, any_)
    def lower_store(context, builder, signature, args):
        scalar = signature.args[0].dtype
        lanes = _row_type(signature.args[-1], scalar).lanes
        for j, pointer in enumerate(pointers_of(context, builder, signature, args)):
            row = _row_of(builder, args[3], j, lanes)
            builder.store(row, pointer, align=scalar.bitwidth // 8)
        return context.get_dummy_value()


_register_rows(load_rows, store_rows, _indexed)
_register_rows(load_strided, store_strided, _strided)


@lower_builtin(repeat, types.Any, types.Any)
def _lower_repeat(context, builder, signature, args):
    row, tile = signature.args
    positions = list(range(row.lanes)) * _WIDTHS[tile.instance_class]
    return _shuffle(builder, args[0], args[0], positions)


@lower_builtin(add_products, types.Any, types.Any, types.Any, types.Any)
def _lower_add_products(context, builder, signature, args):
    row, tile = signature.args[0], signature.args[-1]
    kind = context.get_value_type(row)
    suffix = f"v{row.lanes}f{row.scalar.bitwidth}"
    fused = builder.module.declare_intrinsic(
        f"llvm.fma.{suffix}", (), ir.FunctionType(kind, [kind] * 3)
    )
    x, y = (_rows_of(builder, value, tile, row.lanes) for value in args[1:3])
    total = args[0]
    for a, b in zip(x, y, strict=True):
        total = builder.call(fused, [a, b, total])
    return total


@lower_builtin(fold, types.Any, types.Any)
def _lower_fold(context, builder, signature, args):
    total, *rest = _rows_of(builder, args[0], signature.args[1], signature.return_type.lanes)
    for row in rest:
        total = builder.fadd(total, row)
    return total
