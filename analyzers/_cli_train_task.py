"""What ``groupfeat train`` tells of the task that was learned."""

from typing import TYPE_CHECKING, Any

from analyzers._words import counted

if TYPE_CHECKING:
    from groupfeat.training import Task, TrainConfig

__all__ = ["task_lines", "task_story"]


def task_story(task: "Task", config: "TrainConfig") -> dict[str, Any]:
    """Return name, number of examples, of classes and of cells without an example, and sizes.

    ``captured`` is there where the activation takes fewer operands together than there are: the
    share of the centred targets that it can hold, None where that is not known.
    """
    from groupfeat.training import captured_share, interaction_order

    order, examples = interaction_order(config), len(task.codes)
    found = {
        "name": task.name,
        "examples": examples,
        "classes": task.n_classes,
        "holes": task.labels.size - examples,
        "sizes": list(task.sizes),
    }
    limited = order is not None and order < len(task.sizes)
    return found | ({"captured": captured_share(task, config)} if limited else {})


def task_lines(story: dict[str, Any], config: "TrainConfig", *, from_file: bool) -> tuple[str, ...]:
    """Return a line on the labels that a file held, and one on what the activation cannot hold."""
    lines = []
    if from_file:
        cells, holes = story["examples"] + story["holes"], story["holes"]
        lines.append(
            f"labels read: {counted(cells, 'cell')} ({' × '.join(map(str, story['sizes']))}), "
            f"{story['classes']} class{'' if story['classes'] == 1 else 'es'}, "
            f"{counted(holes, 'hole')}"
        )
    if "captured" in story:
        share = story["captured"]
        lines.append(
            f"note: activation {config.activation} does not take {len(story['sizes'])} operands "
            f"together; it can hold {'a part' if share is None else f'a share {share:.3g}'} of "
            "what the answers say, in squared norm; cube takes three, relu any number"
        )
    return tuple(lines)
