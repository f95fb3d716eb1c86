"""``validate`` on files whose arrays have other names: what is there, and what to say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

NAMES = "--first-layer fc1.weight --second-layer fc2.weight"
ENDINGS = (".pt", ".npz", ".safetensors")


def written(path: Path, arrays: dict[str, Any]) -> str:
    """Write arrays as a file of the ending's kind."""
    if path.suffix == ".pt":
        torch.save({name: torch.tensor(array) for name, array in arrays.items()}, path)
    elif path.suffix == ".npz":
        np.savez(path, allow_pickle=False, **arrays)
    else:
        save_file(arrays, path)
    return str(path)


def network(hidden: int = 4) -> dict[str, Any]:
    """Layers for C3 as ``torch.nn.Linear`` stores them."""
    rng = np.random.default_rng(0)
    shapes = {"fc1.weight": (hidden, 6), "fc1.bias": (hidden,), "fc2.weight": (3, hidden)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("ending", ENDINGS)
def test_arrays_and_the_way_in_are_named(call: Any, tmp_path: Path, ending: str) -> None:
    path = written(tmp_path / f"own{ending}", network())
    code, out, err = call("validate", path, "--group", "C3")
    assert (code, out, err.count("\n")) == (2, "", 1)
    for told in ("fc1.weight (4, 6)", "fc1.bias (4,)", "fc2.weight (3, 4)"):
        assert told in err
    assert err.endswith(f"those that fit are {NAMES}\n")
    code, out, _ = call("validate", path, "--group", "C3", *NAMES.split())
    assert code == 0
    assert "read fc1.weight, fc2.weight" in out


@pytest.mark.parametrize("ending", ENDINGS)
def test_without_a_group_the_arrays_are_named_too(call: Any, tmp_path: Path, ending: str) -> None:
    code, _, err = call("validate", written(tmp_path / f"own{ending}", network()))
    assert code == 2
    assert "does not name its group; pass --group SPEC; it holds fc1." in err
    assert "fc2.weight (3, 4)" in err
    layers = {"W": np.zeros((6, 4)), "V": np.zeros((4, 3))}
    code, _, err = call("validate", written(tmp_path / f"known{ending}", layers))
    assert (code, err.endswith("pass --group SPEC\n")) == (2, True)


@pytest.mark.parametrize("hidden", [3, 6])
def test_several_that_fit_are_not_guessed(call: Any, tmp_path: Path, hidden: int) -> None:
    arrays = network(hidden) | {"other.weight": np.zeros((3, hidden))}
    code, _, err = call("validate", written(tmp_path / "a.npz", arrays), "--group", "C3")
    assert code == 2
    assert "name the layers by --first-layer and --second-layer" in err


def test_another_group_fits_nothing(call: Any, tmp_path: Path) -> None:
    code, _, err = call("validate", written(tmp_path / "a.npz", network()), "--group", "C5")
    assert code == 2
    assert "name the layers by --first-layer and --second-layer" in err


def test_files_of_many_or_no_arrays(call: Any, tmp_path: Path) -> None:
    many = {f"layer{i}": np.zeros((2, 2)) for i in range(300)}
    code, _, err = call("validate", written(tmp_path / "many.pt", many), "--group", "C3")
    assert code == 2
    assert "layer19 (2, 2) and 280 more" in err
    assert "layer20 " not in err
    code, _, err = call("validate", written(tmp_path / "none.pt", {}), "--group", "C3")
    assert code == 2
    assert "holds no array; save tensors by name" in err
