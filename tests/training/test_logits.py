"""Logits beside characters, and what irreps carry the answers: against plain loops."""

import numpy as np
import pytest

from groupfeat.groups import group_from_spec, irreps, isotypic_projector, real_families
from groupfeat.training import (
    ablate_irreps,
    exact_network,
    logit_similarity,
    network_logits,
)

SPECS = ["C5", "S3", "Q8", "F21"]


def random_logits(order: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((order,) * 3)


@pytest.mark.parametrize("spec", SPECS)
def test_cosines_by_the_definition(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    group, order = reps.group, reps.group.order
    x = group.cayley_table[group.cayley_table[:, :, None], group.inverse]  # g h t⁻¹
    own = reps.table.on_elements(len(reps) - 1).real[x]
    logits = random_logits(order) + 0.4 * own + np.random.default_rng(1).random((order, order, 1))
    found = logit_similarity(logits, reps)
    centred = logits - logits.mean(-1, keepdims=True)
    for position, family in enumerate(real_families(reps)[1:]):
        wanted = sum(reps.table.on_elements(k).real for k in family)[x]
        cosine = np.vdot(centred, wanted) / np.linalg.norm(centred) / np.linalg.norm(wanted)
        assert found.cosines[position] == pytest.approx(cosine, abs=1e-12)
        basis = np.concatenate([reps[k].matrices().reshape(order, -1) for k in family], axis=1)[
            x.ravel()
        ]
        fit = basis @ np.linalg.lstsq(basis, centred.ravel().astype(complex), rcond=None)[0]
        share = np.linalg.norm(fit) ** 2 / np.linalg.norm(centred) ** 2
        assert found.explained[position] == pytest.approx(share, abs=1e-12)
    assert found.product_share == pytest.approx(found.explained.sum())


@pytest.mark.parametrize("spec", SPECS)
def test_an_exact_network_is_the_sum_of_characters(spec: str) -> None:
    reps = irreps(group_from_spec(spec))
    logits = network_logits(*exact_network(reps), "square")
    found = logit_similarity(logits, reps)
    order = reps.group.order
    weights = [sum(reps[k].dim ** 2 for k in f) / (order - 1) for f in found.families]
    np.testing.assert_allclose(found.cosines**2, weights, atol=1e-12)
    np.testing.assert_allclose(found.explained, weights, atol=1e-12)
    cut = ablate_irreps(logits, reps)
    assert (cut.loss, cut.accuracy) == (pytest.approx(0, abs=1e-12), 1)
    # Without a family its part of ‖e − 1/M‖² = 1 − 1/M is lost; with it alone, all the rest.
    parts = np.array(weights) * (1 - 1 / order)
    np.testing.assert_allclose(cut.excluded_loss, parts, atol=1e-12)
    np.testing.assert_allclose(cut.restricted_loss, 1 - 1 / order - parts, atol=1e-12)


@pytest.mark.parametrize("offset", [1e3, 1e6, 1e9])
def test_a_large_mean_over_t_changes_nothing(offset: float) -> None:
    reps = irreps(group_from_spec("S3"))
    logits = network_logits(*exact_network(reps))
    shift = offset * np.random.default_rng(0).standard_normal((6, 6, 1))
    found = logit_similarity(logits + shift, reps)
    np.testing.assert_allclose(found.cosines**2, [0.2, 0.8], atol=1e-5)
    assert found.product_share == pytest.approx(1, abs=1e-5)
    nothing = logit_similarity(np.repeat(shift, 6, axis=2), reps)
    assert (nothing.product_share, nothing.cosines.tolist()) == (0, [0, 0])


def test_ablations_by_the_definition() -> None:
    reps = irreps(group_from_spec("S3"))
    logits = network_logits(*exact_network(reps)) + 0.05 * random_logits(6)
    cut = ablate_irreps(logits, reps)
    target = reps.group.cayley_table
    for i, family in enumerate(cut.families):
        kept = np.einsum("ght,ts->ghs", logits, isotypic_projector(reps, family))
        for answers, loss, accuracy in (
            (kept, cut.restricted_loss[i], cut.restricted_accuracy[i]),
            (logits - kept, cut.excluded_loss[i], cut.excluded_accuracy[i]),
        ):
            gap = np.eye(6)[target] - answers
            gap -= gap.mean(-1, keepdims=True)
            assert loss == pytest.approx(np.mean(np.sum(gap**2, axis=-1)))
            top = np.isclose(answers, answers.max(-1, keepdims=True), atol=1e-9)
            alone = (top.sum(-1) == 1) & (answers.argmax(-1) == target)  # a tie is no answer
            assert accuracy == pytest.approx(np.mean(alone))
    # The sign alone cannot tell three elements apart.
    exact = ablate_irreps(network_logits(*exact_network(reps)), reps)
    assert exact.restricted_accuracy.tolist() == [0, 1]


def test_other_activations_and_shapes() -> None:
    reps = irreps(group_from_spec("S3"))
    w = np.random.default_rng(0).standard_normal((12, 5))
    v = np.random.default_rng(1).standard_normal((5, 6))
    found = network_logits(w, v, "relu")
    assert found[2, 3] == pytest.approx(np.maximum(w[2] + w[6 + 3], 0) @ v)
    np.testing.assert_array_equal(network_logits(w[:, :0], v[:0]), np.zeros((6, 6, 6)))
    with pytest.raises(ValueError, match=r"expected logits of shape \(6, 6, 6\), got \(6, 6\)"):
        logit_similarity(np.ones((6, 6)), reps)
