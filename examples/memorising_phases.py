"""Which maxima random starts end on as data grow, for five activations.

``python examples/memorising_phases.py C11 --out runs/phases`` prints counts and mean
energies by kind, and writes both figures and the numbers; ``--quick`` takes few starts.
"""

import argparse

import numpy as np

from analyzers.memorisation import (
    crossing_fraction,
    describe_phases,
    measure_phases,
    plot_phase_energies,
    plot_phases,
)
from analyzers.storage import prepare_folder, versions, write_json
from analyzers.style import save_figure
from groupfeat.energy import MAXIMUM_KINDS, classify_phi
from groupfeat.groups import group_from_spec, irreps


def main() -> None:
    """Measure, print, and write what is asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spec", nargs="?", default="S3")
    parser.add_argument("--starts", type=int, default=32)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out")
    options = parser.parse_args()
    few = {"activations": ("square", "cube"), "fractions": (0.3, 1.0)} if options.quick else {}
    measured = measure_phases(
        irreps(group_from_spec(options.spec)),
        starts=8 if options.quick else options.starts,
        max_iterations=600,
        **few,  # type: ignore[arg-type]
    )
    print("| σ | φ | p | " + " | ".join(MAXIMUM_KINDS) + " |")
    print("|---|---|---" + "|---" * len(MAXIMUM_KINDS) + "|")
    for i, name in enumerate(measured.activations):
        for j, p in enumerate(measured.fractions):
            cells = [
                "–" if not count else f"{count} at E = {energy:.3f}"
                for count, energy in zip(
                    measured.counts[i, j], measured.energies[i, j], strict=True
                )
            ]
            print(f"| {name} | {classify_phi(name)} | {p:g} | " + " | ".join(cells) + " |")
    cross = crossing_fraction(measured.effective_dim)
    print(f"x²: below p = {cross:.3f} the delta function has more energy than the planted maximum")
    if options.out is not None:
        folder = prepare_folder(options.out)
        write_json(folder / "phases.json", {"versions": versions(), **describe_phases(measured)})
        save_figure(plot_phases(measured), folder, "phases")
        if not np.isnan(measured.energies[0]).all():
            save_figure(plot_phase_energies(measured), folder, "phase-energies")


if __name__ == "__main__":
    main()
