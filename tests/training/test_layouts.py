"""Strangers' layouts: separate layers, embeddings, biases, transposes, refusals."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from groupfeat.groups import group_from_spec, irreps
from groupfeat.training import (
    Layout,
    TrainConfig,
    checkpoint_group,
    exact_network,
    load_network,
    match_nodes,
    network_accuracy,
    network_table,
    save_checkpoint,
    train,
)

GROUP = group_from_spec("S3")
ORDER = GROUP.order
FIRST, SECOND = exact_network(irreps(GROUP), method="pairs")
HIDDEN = FIRST.shape[1]


class AuthorsModel(nn.Module):
    """Two-layer net in the author's names: W (2M → K) and V (K → M), no bias."""

    def __init__(self) -> None:
        super().__init__()
        self.W = nn.Linear(2 * ORDER, HIDDEN, bias=False)
        self.V = nn.Linear(HIDDEN, ORDER, bias=False)


class EmbeddingModel(nn.Module):
    """Embedding of width D for each element, then an MLP with biases on both."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(ORDER, width)
        self.hidden = nn.Linear(2 * width, 40)
        self.out = nn.Linear(40, ORDER)

    def forward(self, g: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        joined = torch.cat([self.embed(g), self.embed(h)], dim=-1)
        return self.out(self.hidden(joined) ** 2)


def all_pairs() -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.arange(ORDER).repeat_interleave(ORDER)
    return g, torch.arange(ORDER).repeat(ORDER)


def test_a_plain_torch_save_in_the_authors_format(tmp_path: Path) -> None:
    model = AuthorsModel()
    with torch.no_grad():
        model.W.weight.copy_(torch.from_numpy(FIRST.T.copy()))
        model.V.weight.copy_(torch.from_numpy(SECOND.T.copy()))
    torch.save(model.state_dict(), tmp_path / "author.pt")
    network = load_network(tmp_path / "author.pt", GROUP)
    assert network_accuracy(network, GROUP, "square") == 1
    assert match_nodes(network.first_layer, network.second_layer, irreps(GROUP)).missing == ()


@pytest.mark.parametrize("with_eye", [False, True])
def test_the_older_three_layers(with_eye: bool, tmp_path: Path) -> None:
    tensors = {
        "layera.weight": torch.from_numpy(FIRST[:ORDER].T.copy()),
        "layerb.weight": torch.from_numpy(FIRST[ORDER:].T.copy()),
        "layerc.weight": torch.from_numpy(SECOND.T.copy()),
    }
    if with_eye:
        tensors["embedding.weight"] = torch.eye(ORDER, dtype=torch.float64)
    torch.save({"model": tensors, "results": [{"epoch": 3}]}, tmp_path / "old.pt")
    network = load_network(tmp_path / "old.pt", GROUP)
    np.testing.assert_allclose(network.first_layer, FIRST)
    np.testing.assert_allclose(network.second_layer, SECOND)


def test_an_embedding_mlp_answers_as_the_model_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = EmbeddingModel(width=5)
    torch.save(model.state_dict(), tmp_path / "mlp.pt")
    layout = Layout(("hidden.weight",), "out.weight", ("embed.weight",))
    network = load_network(tmp_path / "mlp.pt", GROUP, layout=layout)
    assert network.output_bias is not None
    g, h = all_pairs()
    wanted = model(g, h).detach().numpy()
    inputs = network.first_layer[g.numpy()] + network.first_layer[h.numpy() + ORDER]
    found = inputs**2 @ network.second_layer + network.output_bias
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    table = network_table(network, "square")
    np.testing.assert_array_equal(table.ravel(), wanted.argmax(1))


@pytest.mark.parametrize("separate", [False, True])
def test_embeddings_of_an_exact_network(separate: bool, tmp_path: Path) -> None:
    """E (M, M) invertible and U = E⁻¹W: shared or separate, the composed network is W."""
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((2, ORDER, ORDER + 1))
    right = right if separate else left
    inner = [np.linalg.pinv(left) @ FIRST[:ORDER], np.linalg.pinv(right) @ FIRST[ORDER:]]
    arrays = {"E": left, "E2": right, "Ua": inner[0], "Ub": inner[1], "V": SECOND}
    np.savez(tmp_path / "net.npz", U=np.concatenate(inner), **arrays)
    names = ("E", "E2") if separate else ("E",)
    for first in (("U",), ("Ua", "Ub")):
        network = load_network(tmp_path / "net.npz", GROUP, layout=Layout(first, "V", names))
        np.testing.assert_allclose(network.first_layer, FIRST, atol=1e-10)
        assert network_accuracy(network, GROUP, "square") == 1


def test_one_matrix_for_the_sum_of_two_embeddings(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    e, f, u = (rng.standard_normal(shape) for shape in ((6, 4), (6, 4), (4, 9)))
    np.savez(tmp_path / "net.npz", e=e, f=f, u=u, v=rng.standard_normal((9, 6)))
    network = load_network(tmp_path / "net.npz", GROUP, layout=Layout(("u",), "v", ("e", "f")))
    np.testing.assert_allclose(network.first_layer, np.concatenate([e @ u, f @ u]))


def square_case(tmp_path: Path, first: str, second: str) -> Path:
    rng = np.random.default_rng(1)
    arrays = {first: rng.standard_normal((12, 12)), second: rng.standard_normal((6, 12))}
    np.savez(tmp_path / "net.npz", **arrays)
    return tmp_path / "net.npz"


def test_a_square_first_layer_must_be_told(tmp_path: Path) -> None:
    path = square_case(tmp_path, "A", "B")
    with pytest.raises(ValueError, match="fit in both orientations; say which"):
        load_network(path, GROUP, arrays=("A", "B"))
    network = load_network(path, GROUP, layout=Layout(("A",), "B", orientation="linear"))
    with np.load(path) as content:
        np.testing.assert_array_equal(network.first_layer, content["A"].T)
    with pytest.raises(ValueError, match="does not fit S3"):
        load_network(path, GROUP, layout=Layout(("A",), "B", orientation="plain"))


def test_names_that_fix_their_orientation_are_believed(tmp_path: Path) -> None:
    path = square_case(tmp_path, "W.weight", "V.weight")
    with np.load(path) as content:
        np.testing.assert_array_equal(load_network(path, GROUP).first_layer, content["W.weight"].T)
    with pytest.raises(ValueError, match="fit in both orientations"):  # W, V: ours is plain
        load_network(square_case(tmp_path, "W", "V"), GROUP)


@pytest.mark.parametrize(
    ("arrays", "layout", "message"),
    [
        ({"u": (12, 8)}, Layout(("u",), "v"), "has no array 'v'; it holds u"),
        ({"u": (12, 8), "v": (8, 6), "e": (7, 6)}, Layout(("u",), "v", ("e",)), None),
        ({"u": (12, 8), "v": (8, 6), "e": (7, 5)}, Layout(("u",), "v", ("e",)), "one row an elem"),
        ({"u": (12, 8), "v": (8, 6), "e": (6, 4)}, Layout(("u",), "v", ("e",)), "embedding of wid"),
        ({"u": (12, 8), "v": (9, 6)}, Layout(("u",), "v"), r"got \(12, 8\) and \(9, 6\)"),
        ({"u": (12, 8), "v": (8, 6), "bn.running_mean": (8,)}, Layout(("u",), "v"), "batch norm"),
        ({"u": (12,), "v": (8, 6)}, Layout(("u",), "v"), "'u' must be a real matrix"),
    ],
)
def test_what_does_not_fit_is_named(
    arrays: dict[str, tuple[int, ...]], layout: Layout, message: str | None, tmp_path: Path
) -> None:
    np.savez(tmp_path / "net.npz", **{name: np.ones(shape) for name, shape in arrays.items()})
    if message is None:  # an embedding stored (D, M)
        arrays_shape = {"u": (14, 8), "v": (8, 6), "e": (7, 6)}
        np.savez(tmp_path / "net.npz", **{n: np.ones(s) for n, s in arrays_shape.items()})
        assert load_network(tmp_path / "net.npz", GROUP, layout=layout).first_layer.shape == (12, 8)
        return
    with pytest.raises(ValueError, match=message):
        load_network(tmp_path / "net.npz", GROUP, layout=layout)


def test_layouts_are_checked() -> None:
    with pytest.raises(ValueError, match="unknown orientation 'upside'"):
        Layout(("u",), "v", orientation="upside")
    with pytest.raises(ValueError, match="one or two arrays of the first layer, got 3"):
        Layout(("a", "b", "c"), "v")


def test_our_checkpoints_name_their_group(tmp_path: Path) -> None:
    (run,) = train(GROUP, TrainConfig(n_hidden=8, epochs=2), seeds=[0])
    path = save_checkpoint(tmp_path / "a.safetensors", run, GROUP)
    found: NDArray[np.int64] = checkpoint_group(path).cayley_table
    np.testing.assert_array_equal(found, GROUP.cayley_table)
    np.savez(tmp_path / "b.npz", W=FIRST, V=SECOND)
    with pytest.raises(ValueError, match="does not name its group; pass --group"):
        checkpoint_group(tmp_path / "b.npz")
    with pytest.raises(ValueError, match=r"no file '.*none\.pt'"):
        checkpoint_group(tmp_path / "none.pt")


@pytest.mark.parametrize(
    "settings", [{"embedding": 5}, {"bias": True}, {"beta": 0.5}, {"batch_norm": True}]
)
def test_our_variants_answer_as_they_were_trained(
    settings: dict[str, float], tmp_path: Path
) -> None:
    config = TrainConfig(n_hidden=32, train_fraction=0.5, epochs=40, **settings)  # type: ignore[arg-type]
    (run,) = train(GROUP, config, seeds=[0])
    network = load_network(save_checkpoint(tmp_path / "a.safetensors", run, GROUP), GROUP)
    train_accuracy, test_accuracy = run.last("train_accuracy"), run.last("test_accuracy")
    assert train_accuracy is not None
    assert test_accuracy is not None
    accuracy = network_accuracy(network, GROUP, "square")
    assert accuracy == pytest.approx((train_accuracy + test_accuracy) / 2)
    np.testing.assert_allclose(network.second_layer, run.second_layer * config.beta)
    np.testing.assert_array_equal(network.first_layer, run.first_layer)
    if config.bias:
        assert network.output_bias is not None
        np.testing.assert_array_equal(network.output_bias, run.parameters["output_bias"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"other_layers": 1}, "more than one hidden layer"),
        ({"complex_weights": True}, "complex weights"),
    ],
)
def test_our_other_architectures_are_refused(
    settings: dict[str, bool], message: str, tmp_path: Path
) -> None:
    config = TrainConfig(n_hidden=8, epochs=2, **settings)  # type: ignore[arg-type]
    (run,) = train(GROUP, config, seeds=[0])
    path = save_checkpoint(tmp_path / "a.safetensors", run, GROUP)
    with pytest.raises(ValueError, match=message):
        load_network(path, GROUP)
