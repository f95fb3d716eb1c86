"""``validate`` and ``exact`` on the command line: strangers' files, refusals, the contract."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from analyzers.cli import app
from groupfeat.groups import group_from_spec, irreps
from groupfeat.training import TrainConfig, exact_network, save_checkpoint, train

S3 = group_from_spec("S3")
FIRST, SECOND = exact_network(irreps(S3))


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            app(arguments)
        captured = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), captured.out, captured.err

    return run


def test_our_checkpoint_needs_no_group(call: Any, tmp_path: Path) -> None:
    config = TrainConfig(n_hidden=64, train_fraction=0.9, epochs=300, settle_epochs=0)
    (run,) = train(S3, config, seeds=[0])
    path = str(save_checkpoint(tmp_path / "a.safetensors", run, S3))
    code, out, _ = call("validate", path, "--json")
    assert code == 0
    assert json.loads(out) == json.loads(call("validate", path, "--group", "S3", "--json")[1])
    code, out, err = call("validate", path, "--group", "C6")
    assert (code, out) == (2, "")
    assert "is of S3, whose Cayley table is not C6's" in err


def test_the_contract_and_what_stands_beside_it(call: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "net.npz")
    np.savez(path, W=FIRST, V=SECOND)
    code, out, _ = call("validate", path, "--group", "S3", "--json", "--out", str(tmp_path / "o"))
    found = json.loads(out)
    assert code == 0
    wanted = "alive matched matched_share by_irrep missing accuracy nodes"
    assert set(wanted.split()) <= set(found)
    assert (found["alive"], found["matched"], found["matched_share"]) == (9, 9, 1)
    assert found["by_irrep"] == [{"irreps": [1], "nodes": 1}, {"irreps": [2], "nodes": 8}]
    assert (found["missing"], found["accuracy"], found["constant"]) == ([], 1, [9])
    keys = "index irreps isotypic_share rank_one_share energy_ratio"
    assert set(keys.split()) <= set(found["nodes"][0])
    assert found["p_value"] < 1e-10
    sign, standard = found["logits"]["by_irrep"]
    assert [sign["restricted_accuracy"], standard["restricted_accuracy"]] == [0, 1]
    assert standard["cosine"] ** 2 == pytest.approx(0.8)
    assert found["logits"]["product_share"] == pytest.approx(1)
    assert json.loads((tmp_path / "o" / "validate.json").read_text()) == found
    _, text, _ = call("validate", path, "--group", "S3")
    assert "9 of 9 live nodes matched" in text
    assert "every nontrivial irrep has a node" in text


def test_thresholds_from_the_command_line(call: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "net.npz")
    noise = np.random.default_rng(0).standard_normal(FIRST.shape) * 0.1
    np.savez(path, W=FIRST + noise, V=SECOND)
    counts = []
    for share in ("0.5", "0.9", "1"):
        _, out, _ = call("validate", path, "--group", "S3", "--json", "--share", share)
        found = json.loads(out)
        assert found["thresholds"]["share"] == float(share)
        counts.append(found["matched"])
    assert counts[0] > counts[2] == 0
    code, _, err = call("validate", path, "--group", "S3", "--share", "2")
    assert code == 2
    assert "threshold share must be in [0, 1]" in err


def test_relabelled_elements(call: Any, tmp_path: Path) -> None:
    order = np.array([3, 0, 4, 1, 5, 2])
    w, v = np.empty_like(FIRST), np.empty_like(SECOND)
    w[order], w[order + 6] = FIRST[:6], FIRST[6:]
    v[:, order] = SECOND
    path, numbers = str(tmp_path / "net.npz"), str(tmp_path / "order.csv")
    np.savez(path, W=w, V=v)
    np.savetxt(numbers, order[None], fmt="%d", delimiter=",")
    arguments = ("validate", path, "--group", "S3", "--json")
    alone = json.loads(call(*arguments)[1])
    assert (alone["matched"], alone["accuracy"]) == (9, 1)
    assert alone["source"].endswith("renumbered by its answers")
    for told in (numbers, "answers"):
        found = json.loads(call(*arguments, "--element-order", told)[1])
        assert (found["matched"], found["accuracy"]) == (9, 1)
    for more in ((), ("--element-order", "answers")):
        code, out, err = call("validate", path, "--group", "C6", *more)
        assert (code, out) == (2, "")
        assert "not isomorphic to C6" in err


def test_an_embedding_mlp(call: Any, tmp_path: Path) -> None:
    embedding = np.random.default_rng(0).standard_normal((6, 7))
    inverse = np.linalg.pinv(embedding)
    inner = np.concatenate([inverse @ FIRST[:6], inverse @ FIRST[6:]])
    tensors = {"embed.weight": embedding, "fc1.weight": inner.T, "fc2.weight": SECOND.T}
    path = str(tmp_path / "mlp.pt")
    torch.save({k: torch.from_numpy(np.ascontiguousarray(x)) for k, x in tensors.items()}, path)
    code, out, _ = call(
        *("validate", path, "--group", "S3", "--json", "--embedding", "embed.weight"),
        *("--first-layer", "fc1.weight", "--second-layer", "fc2.weight"),
    )
    found = json.loads(out)
    assert code == 0
    assert (found["matched_share"], found["accuracy"]) == (1, 1)
    for extra, message in (
        (("--first-layer", "fc1.weight"), "name both layers"),
        (("--embedding", "embed.weight"), "--embedding goes with --first-layer and --second-layer"),
    ):
        code, _, err = call("validate", path, "--group", "S3", *extra)
        assert code == 2
        assert message in err


class Evil:
    """Unpickling this would leave a file behind."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.flag,)


@pytest.mark.parametrize("inner", [False, True])
def test_a_pickled_object_is_refused_without_running(
    call: Any, tmp_path: Path, inner: bool
) -> None:
    flag, path = tmp_path / "ran", tmp_path / "evil.pt"
    content = {"W.weight": torch.zeros(4, 12), "V.weight": torch.zeros(6, 4), "x": Evil(flag)}
    if inner:
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content["x"]))
    code, out, err = call("validate", str(path), "--group", "S3")
    assert (code, out) == (2, "")
    assert "cannot read 'evil.pt' safely" in err
    assert "Traceback" not in err
    assert not flag.exists()


def test_exact_by_method(call: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "net.npz")
    hidden = []
    for method in ("schoolbook", "pairs", "single"):
        code, out, _ = call("exact", "S3", "--out", path, "--method", method, "--json")
        found = json.loads(out)
        assert code == 0
        assert found["relative_error"] < 1e-12
        assert found["sizes"][method] == found["hidden"]
        hidden.append(found["hidden"])
        checked = json.loads(call("validate", path, "--group", "S3", "--json")[1])
        assert checked["accuracy"] == 1
    assert hidden == [18, 16, 10]
    code, _, err = call("exact", "S3", "--out", path, "--method", "magic")
    assert code == 2
    assert "unknown method 'magic'" in err
