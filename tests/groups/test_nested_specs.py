"""Specs with parentheses, and products of every form."""

import pytest

from groupfeat.groups import FiniteGroup, group_from_spec, isomorphism

KLEIN_BY_SWAP = "pres:a,b,t|a^2,b^2,t^2,[a,b],[a,t*a*t],[a,t*b*t],[b,t*b*t]"


def same(first: FiniteGroup, second: FiniteGroup | str) -> bool:
    FiniteGroup.from_cayley_table(first.cayley_table)
    other = group_from_spec(second) if isinstance(second, str) else second
    return isomorphism(first, other) is not None


@pytest.mark.parametrize(
    ("spec", "same_as", "name"),
    [
        (
            "(C2xC2)wrC2",
            "pres:a,b,t|a^2,b^2,t^2,[a,b],[a,t*a*t],[a,t*b*t],[b,t*b*t]",
            "(C2xC2)wrC2",
        ),
        ("C2xC2wrC2", "C2xD4", "C2xC2wrC2"),
        ("C2wrperm:(1,2)", "D4", "C2wrperm:(1,2)"),
        ("perm:(1,2,3)(4,5);(1,2)x2", "C2xD6", "perm:(1,2,3)(4,5);(1,2)xC2"),
        ("(pres:x|x^3)xC2", "C6", "(pres:x|x^3)xC2"),
        ("C2xpres:x,y|x^2,y^2,x*y*x*y", "2x2x2", "C2xpres:x,y|x^2,y^2,x*y*x*y"),
        (" ( GL(2,2) ) x C2 ", "D6", "GL(2,2)xC2"),
        ("SmallGroup(6,1)xAGL(1,3)", "S3xS3", "SmallGroup(6,1)xAGL(1,3)"),
        ("2x3", "C6", "C2xC3"),
        ("((((C2))))", "C2", "C2"),
    ],
)
def test_nested_specs(spec: str, same_as: str, name: str) -> None:
    group = group_from_spec(spec)
    assert same(group, same_as)
    assert group.name == name
    assert group_from_spec(group.name).order == group.order


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("(C2", r"unknown group '\(C2'"),
        ("C2)", "parentheses do not match"),
        ("(C2)(C3)", "parentheses do not match"),
        ("()", "unknown group ''"),
        ("C2x", "unknown group '' in 'C2x'"),
        ("xC2", "unknown group ''"),
        ("C2wr", "unknown group ''"),
        ("(" * 3000 + "C2" + ")" * 3000, "nest too deep"),
    ],
)
def test_bad_nesting_is_refused(spec: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        group_from_spec(spec)
