"""Find the maxima of the energy on Z7: every node that learns addition is a pair of cosines."""

from groupfeat.energy import find_maxima
from groupfeat.groups import group_from_spec, irreps


def main() -> None:
    """Print predicted and found maxima."""
    found = find_maxima(irreps(group_from_spec("C7")), starts=100, rng=0)
    for family in found.predicted:
        print(f"predicted {family.irreps}: E = {family.energy}, {family.flat_dim} flat directions")
    for c in found.classes:
        print(f"found     {c.irreps}: E = {c.energy:.6f}, {c.flat_dim} flat, {c.count} starts")
    print("outside the prediction:", found.unmatched)


if __name__ == "__main__":
    main()
