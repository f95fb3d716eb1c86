"""Pictures of a group."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from groupfeat.groups import FiniteGroup

__all__ = ["plot_cayley_table"]


def plot_cayley_table(group: FiniteGroup, *, ax: Axes | None = None) -> Axes:
    """Draw the Cayley table, one colour an element; names of elements up to order 12."""
    axes = ax if ax is not None else Figure(figsize=(4.8, 4.8), layout="constrained").add_subplot()
    axes.imshow(group.cayley_table, cmap="viridis", interpolation="nearest")
    axes.set_title(f"Cayley table of {group.name}, order {group.order}")
    axes.set_xlabel("h")
    axes.set_ylabel("g")
    if group.order <= 12:
        axes.set_xticks(range(group.order), group.element_names, rotation=90)
        axes.set_yticks(range(group.order), group.element_names)
    return axes
