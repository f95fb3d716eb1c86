"""A group where irreps are expected, a text where a group is, a number where a list is."""

import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from groupfeat.energy import find_maxima, predicted_families, sample_family, sample_pairs
from groupfeat.groups import (
    FiniteGroup,
    character_table,
    cyclic,
    identify,
    irreps,
    isomorphism,
    subgroup_lattice,
)
from groupfeat.training import TrainConfig, train, train_many

GROUP = cyclic(3)
ROOMS = ("groups", "energy", "training", "training.telemetry")


def takers() -> Iterator[Any]:
    """Every public function with a parameter of type `Irreps`."""
    for room in ROOMS:
        module = importlib.import_module(f"groupfeat.{room}")
        for name in module.__all__:
            function = getattr(module, name)
            if inspect.isfunction(function):
                kinds = inspect.signature(function).parameters
                if any(p.annotation in ("Irreps", module_irreps()) for p in kinds.values()):
                    yield pytest.param(function, id=name)


def module_irreps() -> type:
    return type(irreps(GROUP))


@pytest.mark.parametrize("function", list(takers()))
def test_a_group_in_place_of_irreps_is_told(function: Callable[..., object]) -> None:
    given: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.annotation in ("Irreps", module_irreps()):
            given[name] = GROUP
        elif parameter.default is inspect.Parameter.empty:
            given[name] = None
    with pytest.raises(TypeError, match=r"expected Irreps, got a FiniteGroup: pass irreps\(group"):
        function(**given)


def test_there_are_such_functions() -> None:
    assert len(list(takers())) > 35
    with pytest.raises(TypeError, match="expected Irreps, got int"):
        find_maxima(3, rng=0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "call",
    [
        irreps,
        character_table,
        identify,
        subgroup_lattice,
        lambda group: isomorphism(GROUP, group),
        lambda group: sample_pairs(group, 0.5, rng=0),
        lambda group: next(train(group, TrainConfig())),
        lambda group: next(train_many(group, [TrainConfig()])),
    ],
)
def test_a_text_in_place_of_a_group_is_told(call: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match=r"got text: pass group_from_spec\('S4'\)"):
        call("S4")
    with pytest.raises(TypeError, match="expected a FiniteGroup, got ndarray"):
        call(np.zeros((2, 2)))


def test_a_number_of_seeds_is_told() -> None:
    for going in (
        train(GROUP, TrainConfig(), seeds=3),  # type: ignore[arg-type]
        train_many(GROUP, [TrainConfig()], seeds=3),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError, match=r"pass seeds=\[3\] for that seed, range\(3\) for"):
            next(going)


def test_a_number_in_place_of_a_family_is_told() -> None:
    reps = irreps(GROUP)
    with pytest.raises(TypeError, match="expected a PredictedFamily, got int"):
        sample_family(1, reps, count=1, rng=0)  # type: ignore[arg-type]
    assert sample_family(predicted_families(reps)[0], reps, count=1, rng=0).shape == (1, 6)


def test_a_file_in_place_of_a_table_is_told() -> None:
    with pytest.raises(TypeError, match=r"pass load_cayley_table\('s3.csv'\)"):
        FiniteGroup.from_cayley_table("s3.csv")
