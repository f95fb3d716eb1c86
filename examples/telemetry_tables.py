"""The telemetry tables of docs/experiments.md, measured anew.

``python examples/telemetry_tables.py`` trains both arms of the three-stage experiment (Z71,
K 2048, n 2016, seed 0, 300 epochs) under telemetry, then measures c1 and c2 of random features;
some minutes on one core. ``--quick`` does the same on Z7 and Z5 in seconds, ``--out DIR``
keeps the records as JSON lines.
"""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from groupfeat.energy import sample_pairs
from groupfeat.groups import cyclic, irreps
from groupfeat.training import TrainConfig, preset, train
from groupfeat.training.telemetry import (
    JsonLines,
    Telemetry,
    layer_features,
    measure_spectrum,
    strongest_ridge,
)

SHOWN = (0, 10, 30, 60, 100, 140, 200, 300)
STAGES = {
    "train": "train_accuracy",
    "test": "test_accuracy",
    "‖G_F‖": "gradient_norm",
    "cosine with TTᵀΦ": "gradient_cosine_lazy",
    "cosine with G_F(∞)": "gradient_cosine_ridge",
    "‖ΔW‖/‖W‖": "first_layer_step",
    "‖ΔV‖/‖V‖": "second_layer_step",
    "nodes ≥ 0.9 in one irrep": "nodes_settled",
    "families held": "families_held",
    "mean share of the leading irrep": "node_share",
}
GRAMS = {
    f"{what} of {matrix}": f"{name}_off_diagonal{end}"
    for name, matrix in (("gram", "F̃ᵀF̃"), ("kernel", "F̃F̃ᵀ"))
    for what, end in (("‖off‖/‖·‖", ""), ("mean, over mean diagonal", "_mean"), ("largest", "_max"))
}
SPECTRA = [
    *((7, 1.0, hidden) for hidden in (64, 1024, 16384)),
    *((23, 0.6, hidden) for hidden in (64, 256, 2048, 8192)),
    (23, 1.0, 16384),
]


def watch(config: TrainConfig, order: int, path: Path | None) -> Telemetry:
    """Train one run to its last epoch, recorded every ten epochs."""
    group, lasting = cyclic(order), replace(config, stop="never")
    with ExitStack() as stack:
        lines = lasting.to_dict()
        sinks = [] if path is None else [stack.enter_context(JsonLines(path, lines))]
        telemetry = Telemetry(structure=True, irreps=irreps(group), sinks=sinks)
        every = range(0, config.epochs + 1, 10)
        list(train(group, lasting, observe=telemetry, observe_at=every))
    return telemetry


def print_table(rows: Iterator[Mapping[str, object]]) -> None:
    """Print rows of equal keys as a Markdown table."""
    for number, row in enumerate(rows):
        if not number:
            print("\n| " + " | ".join(row) + " |\n|" + "---|" * len(row))
        print("| " + " | ".join(map(word, row.values())) + " |", flush=True)


def word(value: object) -> str:
    """Return a cell: three digits of a number, a dash for what is absent."""
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def columns(
    records: list[dict[str, Any]], names: Mapping[str, str], epochs: set[int]
) -> Iterator[dict[str, Any]]:
    """Yield the named quantities at the given epochs."""
    for record in records:
        if record["epoch"] in epochs:
            told = {title: record.get(name) for title, name in names.items()}
            yield {"epoch": record["epoch"], **told}


def spectra(rows: list[tuple[int, float, int]]) -> Iterator[dict[str, Any]]:
    """Yield how good c1 and c2 are for random Gaussian W and x²."""
    for order, fraction, hidden in rows:
        rng = np.random.default_rng(0)
        pairs = sample_pairs(cyclic(order), fraction, rng=0)
        features = layer_features(rng.standard_normal((2 * order, hidden)), pairs)
        found, n = measure_spectrum(features), len(pairs)
        yield {
            "group": f"Z{order}",
            "K": hidden,
            "n": n,
            "c₁": found.c1,
            "c₁ on targets": found.c1_targets,
            "error of Kc₁P⊥": found.kernel_error,
            "error of nc₂I": found.gram_error,
            "η*": strongest_ridge(features),
            "printed": float(np.sqrt(hidden * found.c1 * n * found.c2)),
            "Kc₁ on targets": hidden * found.c1_targets,
        }


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
    order, smaller = (7, {"n_hidden": 32, "epochs": 60}) if options.quick else (71, {"epochs": 300})
    for arm in preset("three-stages", seeds=1, task=f"C{order}"):
        print(f"\n## Weight decay {arm.weight_decay:g}")
        name = f"decay-{arm.weight_decay:g}.jsonl"
        config = replace(arm, **smaller)
        telemetry = watch(config, order, options.out and options.out / name)
        records, stages = telemetry.run(), telemetry.stages()
        print_table(columns(records, STAGES, set(SHOWN)))
        print_table(columns(records, GRAMS, {0, *range(50, 301, 50)}))
        peak = max(records, key=lambda record: float(record["gradient_norm"]))
        print(f"\n‖G_F‖ is largest at epoch {peak['epoch']}: {peak['gradient_norm']:.3g}")
        lazy = max(records, key=lambda record: float(record["gradient_cosine_lazy"]))
        print(f"its cosine with TTᵀΦ at {lazy['epoch']}: {lazy['gradient_cosine_lazy']:.3g}")
        ends = (stages.memorized_at, stages.features_at, stages.generalized_at)
        print("memorised, features, generalised at " + ", ".join(map(word, ends)))
    print("\n## c₁ and c₂ of random features")
    print_table(spectra([(5, 1.0, 8), (5, 0.6, 64)] if options.quick else SPECTRA))


if __name__ == "__main__":
    main()
