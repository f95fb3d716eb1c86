"""Train a network on products of the pentagon's group and tell what its nodes learned."""

from groupfeat.groups import group_from_spec, irreps
from groupfeat.training import TrainConfig, match_nodes, train


def main() -> None:
    """Train one network and print its accuracy and its nodes by irrep."""
    group = group_from_spec("D5")
    run = next(train(group, TrainConfig(), seeds=[0]))
    print(f"{run.status} after {run.epochs} steps, test accuracy {run.last('test_accuracy')}")
    match = match_nodes(run.first_layer, run.second_layer, irreps(group))
    print(f"{match.matched} of {match.alive} live nodes lie on one irrep")
    for family, count in match.by_irrep.items():
        print(f"irrep {family}: {count} nodes")


if __name__ == "__main__":
    main()
