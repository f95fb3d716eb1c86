"""``validate`` at its doors: what a file tells, what may be told beside it, what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groupfeat.groups import cyclic, group_from_spec, irreps
from groupfeat.training import (
    TrainConfig,
    checkpoint_group,
    exact_network,
    load_checkpoint,
    load_network,
    save_checkpoint,
    save_layers,
    train,
)


@pytest.mark.parametrize("name", ["ex.npz", "ex.safetensors"])
def test_an_exact_network_names_its_group(call: Any, tmp_path: Path, name: str) -> None:
    path = tmp_path / "new" / "folder" / name
    code, _, _ = call("exact", "S3", "--out", str(path))
    assert code == 0
    code, out, _ = call("validate", str(path), "--json")
    found = json.loads(out)
    assert (code, found["accuracy"], found["activation"]) == (0, 1, "square")
    assert checkpoint_group(path).name == "S3"
    code, _, err = call("validate", str(path), "--group", "C6")
    assert code == 2
    assert "is of S3, whose Cayley table is not C6's" in err


def test_layers_without_a_group_stay_plain(tmp_path: Path) -> None:
    layers = exact_network(irreps(cyclic(3)))
    with np.load(save_layers(tmp_path / "a.npz", *layers)) as content:
        assert sorted(content.files) == ["V", "W"]
    with pytest.raises(ValueError, match="does not name its group"):
        checkpoint_group(tmp_path / "a.npz")


def test_orientation_alone_is_enough(call: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = str(tmp_path / "square.npz")
    np.savez(path, W=rng.standard_normal((6, 6)), V=rng.standard_normal((3, 6)))
    code, _, err = call("validate", path, "--group", "C3")
    assert code == 2
    assert "say which by orientation" in err
    code, _, _ = call("validate", path, "--group", "C3", "--orientation", "linear", "--json")
    assert code == 0
    with np.load(path) as content:
        network = load_network(path, cyclic(3), orientation="linear")
        np.testing.assert_array_equal(network.first_layer, content["W"].T)
        np.testing.assert_array_equal(network.second_layer, content["V"].T)
    code, _, err = call("validate", path, "--group", "C3", "--orientation", "plain")
    assert code == 2
    assert "does not fit" in err


def test_another_activation_than_the_file_tells_is_refused(call: Any, tmp_path: Path) -> None:
    (run,) = train(cyclic(3), TrainConfig(n_hidden=8, epochs=10))
    path = str(save_checkpoint(tmp_path / "a.safetensors", run, cyclic(3)))
    code, out, err = call("validate", path, "--activation", "relu")
    assert (code, out) == (2, "")
    assert "with σ = square, got 'relu'; leave the activation out" in err
    assert call("validate", path, "--activation", "square")[0] == 0


def test_a_checkpoint_ends_in_safetensors_and_makes_its_folder(tmp_path: Path) -> None:
    (run,) = train(cyclic(3), TrainConfig(n_hidden=8, epochs=10))
    with pytest.raises(ValueError, match=r"expected a name in .safetensors, got 'x.pt'"):
        save_checkpoint(tmp_path / "x.pt", run, cyclic(3))
    path = save_checkpoint(tmp_path / "no" / "dir" / "x.safetensors", run, cyclic(3))
    assert load_checkpoint(path).epochs == 10
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"cannot write '.*file/x.safetensors' \("):
        save_checkpoint(tmp_path / "file" / "x.safetensors", run, cyclic(3))


def test_refusals_name_what_came(call: Any, tmp_path: Path) -> None:
    code, _, err = call("validate", str(tmp_path), "--group", "S3")
    assert code == 2
    assert "is a folder; name a checkpoint in it" in err
    with pytest.raises(ValueError, match="is a folder; name a checkpoint in it"):
        load_checkpoint(tmp_path)
    junk = tmp_path / "t.sh"
    junk.write_text("#!/bin/sh\n")
    code, _, err = call("validate", str(junk), "--group", "S3")
    assert code == 2
    assert "cannot read 't.sh' safely; expected .safetensors" in err
    code, _, err = call("exact", "S3", "--out", str(junk / "ex.npz"))
    assert code == 2
    assert "ex.npz': Not a directory" in err
    assert ".part" not in err
    path = str(save_layers(tmp_path / "s.npz", *exact_network(irreps(group_from_spec("S3")))))
    code, _, err = call("validate", path, "--group", "S3", "--element-order", "answer")
    assert code == 2
    assert "no file 'answer' of the element order; name one, or say the word answers" in err


@pytest.mark.parametrize("name", ["a.npz", "a.safetensors"])
def test_others_may_read_what_is_written(name: str, tmp_path: Path) -> None:
    layers = exact_network(irreps(group_from_spec("S3")))
    assert save_layers(tmp_path / name, *layers).stat().st_mode & 0o444 == 0o444
