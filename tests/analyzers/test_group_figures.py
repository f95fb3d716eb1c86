"""Pictures of groups show what they claim: one mark an element, class or subgroup."""

from pathlib import Path

import pytest

from analyzers.group_figures import (
    plot_cayley_graph,
    plot_cayley_table,
    plot_character_table,
    plot_subgroup_lattice,
)
from analyzers.style import save_figure
from groupfeat.groups import character_table, group_from_spec, subgroup_lattice


def test_character_table_prints_every_value() -> None:
    axes = plot_character_table(character_table(group_from_spec("Q8")))
    texts = [t.get_text() for t in axes.texts]
    assert len(texts) == 25
    assert texts.count("2") == 1
    assert texts.count("-2") == 1
    assert axes.get_yticklabels()[4].get_text() == "ρ4"


def test_cayley_graph_has_a_dot_an_element_and_a_colour_a_generator() -> None:
    group = group_from_spec("D5")
    axes = plot_cayley_graph(group)
    legend = axes.get_legend()
    assert legend is not None
    names = [t.get_text() for t in legend.get_texts()]
    assert names == [group.element_names[s] for s in sorted(group.generators)]
    nodes = axes.collections[-1]
    assert len(nodes.get_offsets()) == 10


def test_lattice_puts_orders_at_their_height() -> None:
    lattice = subgroup_lattice(group_from_spec("S4"))
    axes = plot_subgroup_lattice(lattice)
    assert [t.get_text() for t in axes.get_yticklabels()] == [
        "1",
        "2",
        "3",
        "4",
        "6",
        "8",
        "12",
        "24",
    ]
    legend = axes.get_legend()
    assert legend is not None
    assert [t.get_text() for t in legend.get_texts()] == ["normal", "not normal"]


def test_what_is_too_large_to_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="up to 250"):
        plot_cayley_graph(group_from_spec("C251"))
    with pytest.raises(ValueError, match="up to 400"):
        plot_subgroup_lattice(subgroup_lattice(group_from_spec("2x2x2x2x2x2")))
    assert save_figure(plot_cayley_table(group_from_spec("C13")), tmp_path, "c13").exists()
