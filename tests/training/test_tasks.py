"""Expressions, words and tables as tasks, against Python's own arithmetic and the group."""

import ast
import itertools
import json
import operator
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from groupfeat.groups import group_from_spec
from groupfeat.training import (
    TrainConfig,
    expression_task,
    load_table_task,
    table_task,
    train,
    word_task,
)
from groupfeat.training.tasks._expressions import MAX_DEPTH, MAX_LENGTH, expression_table

FORMULAS = [
    ("x^2+x*y+y^2", lambda x, y: x * x + x * y + y * y),
    ("x**2 + xy + y**2", lambda x, y: x * x + x * y + y * y),
    ("x²+xy+y²", lambda x, y: x * x + x * y + y * y),
    ("-x^2", lambda x, y: -(x**2)),
    ("(-x)^2", lambda x, y: x * x),
    ("x - y - 3", lambda x, y: x - y - 3),
    ("x-(y-3)", lambda x, y: x - (y - 3)),
    ("2x(y+1)^3", lambda x, y: 2 * x * (y + 1) ** 3),
    ("2 x^3 y", lambda x, y: 2 * x**3 * y),
    ("x^0 + y^1", lambda x, y: 1 + y),
    ("((x))−(+y)·7", lambda x, y: x - 7 * y),
    ("123456789012345678901234567890", lambda x, y: 123456789012345678901234567890),
    ("x^1000 + y", lambda x, y: pow(x, 1000) + y),
    ("(x+y)(x-y)", lambda x, y: (x + y) * (x - y)),
    ("2x(y)", lambda x, y: 2 * x * y),
]


@pytest.mark.parametrize("ending", [" mod 7", "%7", " (mod 7)", "mod 12"])
@pytest.mark.parametrize(("text", "formula"), FORMULAS, ids=[text for text, _ in FORMULAS])
def test_expressions_by_pythons_integers(text: str, formula, ending: str) -> None:  # type: ignore[no-untyped-def]
    modulus = 12 if "12" in ending else 7
    wanted = [[formula(x, y) % modulus for y in range(modulus)] for x in range(modulus)]
    assert expression_table(text + ending).tolist() == wanted


Formula = Callable[[int, int], int]
OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def drawn_tree(rng: random.Random, depth: int) -> tuple[str, Formula]:
    """Return an expression with all its parentheses, and the function that it says."""
    if depth == 0:
        number = rng.randrange(40)
        leaves: list[tuple[str, Formula]] = [
            ("x", lambda x, y: x),
            ("y", lambda x, y: y),
            (str(number), lambda x, y: number),
        ]
        return rng.choice(leaves)
    kind, (text, first) = rng.choice("+-*^"), drawn_tree(rng, depth - 1)
    if kind == "^":
        exponent = rng.randrange(4)
        return f"({text})**{exponent}", lambda x, y: first(x, y) ** exponent
    right, second = drawn_tree(rng, rng.randrange(depth))
    apply = OPERATIONS[kind]
    return f"({text}){kind}({right})", lambda x, y: apply(first(x, y), second(x, y))


def test_random_expressions() -> None:
    rng, short = random.Random(0), 0
    for _ in range(60):
        text, formula = drawn_tree(rng, 3)
        if len(text) > 150:
            continue
        short += 1
        table = expression_table(f"{text} mod 11")
        for x, y in [(0, 0), (3, 5), (10, 7)]:
            assert table[x, y] == formula(x, y) % 11, text
    assert short > 50


def value_in_python(text: str, x: int, y: int) -> int:
    """Return what Python's own grammar makes of ``text``, by its syntax tree and no eval."""

    def walk(node: ast.AST) -> int:
        match node:
            case ast.Expression():
                return walk(node.body)
            case ast.Constant(value=int(number)):
                return number
            case ast.Name():
                return {"x": x, "y": y}[node.id]
            case ast.UnaryOp():
                return SIGNS[type(node.op)](walk(node.operand))
            case ast.BinOp():
                return TREE[type(node.op)](walk(node.left), walk(node.right))
        raise AssertionError(ast.dump(node))

    return walk(ast.parse(text, mode="eval"))


SIGNS: dict[type, Callable[[int], int]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
TREE: dict[type, Callable[[int, int], int]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Pow: operator.pow
}  # fmt: skip


def drawn_text(rng: random.Random, depth: int) -> str:
    """Return an expression with signs before any operand and as few parentheses as may be."""
    parts = []
    for _ in range(rng.randrange(1, 4)):
        sign = "".join(rng.choices("+-", k=rng.choice([0, 0, 1, 1, 2, 3])))
        inner = f"({drawn_text(rng, depth - 1)})" if depth and rng.random() < 0.4 else ""
        power = f"**{rng.randrange(4)}" if rng.random() < 0.3 else ""
        parts.append(sign + (inner or rng.choice(["x", "y", str(rng.randrange(40))])) + power)
    operators = [rng.choice("+-*") for _ in parts]
    return "".join(itertools.chain.from_iterable(zip(parts, operators, strict=True)))[:-1]


@pytest.mark.parametrize(
    "text", ["x+-y", "x*-y", "-x**2", "--x", "x--y", "-+-3*-(-x)**3*+y", "-" * 150 + "x"]
)
def test_signs_before_any_operand(text: str) -> None:
    wanted = [[value_in_python(text, x, y) % 7 for y in range(7)] for x in range(7)]
    assert expression_table(f"{text} mod 7").tolist() == wanted


def test_random_signs_by_pythons_grammar() -> None:
    rng, signed = random.Random(1), 0
    for _ in range(200):
        text = drawn_text(rng, 2)
        if len(text) > 150:
            continue
        signed += "*-" in text or "--" in text
        table = expression_table(f"{text} mod 11")
        for x, y in [(0, 0), (3, 5), (10, 7)]:
            assert table[x, y] == value_in_python(text, x, y) % 11, text
    assert signed > 50


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x+y", r"expected 'mod m' at the end of 'x\+y'"),
        ("x+y mod", "expected 'mod m'"),
        ("x mod y", "expected 'mod m'"),
        ("x+z mod 5", "cannot read 'z' at place 3"),
        ("x/y mod 5", "cannot read '/' at place 2"),
        ("__import__('os') mod 5", "cannot read '_' at place 1"),
        ("x+ mod 5", r"expected x, y, a whole number or '\(' before 'mod', the expression ends"),
        ("x**y mod 5", "expected a whole number as exponent, got 'y' at place 4"),
        ("x^-1 mod 5", "expected a whole number as exponent, got '-' at place 3"),
        ("x^2^3 mod 5", "a power of a power needs parentheses, got '\\^' at place 4"),
        ("x^10001 mod 5", "exponents go up to 10000, got '10001' at place 3"),
        ("(x+y mod 5", r"expected '\)' for the '\(' at place 1 before 'mod'"),
        ("x)+y mod 5", r"expected an operator, got '\)' at place 2"),
        ("x*- mod 5", r"expected x, y, a whole number or '\(' before 'mod', the expression ends"),
        ("x-*y mod 5", r"expected x, y, a whole number or '\(', got '\*' at place 3"),
        ("x^(-1) mod 5", r"expected a whole number as exponent, got '\(' at place 3"),
        ("-" * 90 + "(-" * (MAX_DEPTH + 1) + "x mod 5", "parentheses nest up to 20 deep"),
        ("x mod 3 mod 5", "expected an operator, got 'mod' at place 3"),
        ("x mod 1", r"modulus must be in 2\.\.2048, got '1' at place 7"),
        ("x mod 99999", "modulus must be in"),
        ("", "expected 'mod m'"),
        ("x" * (MAX_LENGTH + 1), "at most 200 characters, got 201"),
        ("(" * (MAX_DEPTH + 1) + "x mod 5", "parentheses nest up to 20 deep"),
        ("x2 + xy + y2 mod 97", r"a number stands after \^ or \*.*, got '2' at place 2"),
        ("1 2 mod 5", "a number stands after .*, got '2' at place 3"),
        ("(x+y)2 mod 5", "a number stands after .*, got '2' at place 6"),
        ("x^2 3 mod 5", "a number stands after .*, got '3' at place 5"),
        ("x y² ! mod 3", "cannot read '!' at place 6"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        expression_table(text)


def test_text_only() -> None:
    with pytest.raises(ValueError, match="at most 200 characters, got int"):
        expression_table(7)  # type: ignore[arg-type]


def test_expression_task_has_all_classes() -> None:
    task = expression_task("x^2 + y^2  mod 7")
    assert (task.name, task.sizes, task.n_classes) == ("x^2 + y^2 mod 7", (7, 7), 7)
    assert task.pairs(task.codes) is None
    constant = expression_task("0x mod 3")
    assert constant.n_classes == 3


@pytest.mark.parametrize(("spec", "operands"), [("S3", 3), ("C3", 4), ("Q8", 2)])
def test_words_by_products(spec: str, operands: int) -> None:
    group = group_from_spec(spec)
    task = word_task(group, operands)
    assert task.sizes == (group.order,) * operands
    for word in itertools.product(range(group.order), repeat=operands):
        total = 0
        for letter in word:
            total = group.cayley_table[total, letter]
        assert task.labels[word] == total
    assert not task.labels.flags.writeable


def test_words_are_bounded() -> None:
    group = group_from_spec("S4")
    with pytest.raises(ValueError, match="at least 2 operands, got 1"):
        word_task(group, 1)
    with pytest.raises(ValueError, match=r"make 24\^6 examples"):
        word_task(group, 6)
    with pytest.raises(ValueError, match=r"make 24\^9{30} examples"):
        word_task(group, 10**30 - 1)
    with pytest.raises(ValueError, match=r"make 1\^70 examples"):
        word_task(group_from_spec("C1"), 70)
    with pytest.raises(ValueError, match=r"n_operands must be a whole number, got 2\.5"):
        word_task(group, 2.5)  # type: ignore[arg-type]


def test_classes_are_whole_and_not_too_many() -> None:
    """2⁶³ + 5 would wrap to a negative label, 10¹¹ ask for a histogram of that length."""
    labels = np.array([[0, 1], [1, 0]])
    with pytest.raises(TypeError, match="float"):
        table_task("t", labels, n_classes=2.5)  # type: ignore[arg-type]
    for large in (np.array([[2**63 + 5]], dtype=np.uint64), np.array([[10**11]])):
        with pytest.raises(ValueError, match="must be classes below 16777216"):
            table_task("t", large)


def test_tables_in_files_are_read_alike(tmp_path: Path) -> None:
    rows = [[3, 9, -1], [5, 3, 3]]
    np.save(tmp_path / "a.npy", np.array(rows))
    (tmp_path / "a.csv").write_text("3, 9,\n\n5,3,3\n")
    (tmp_path / "a.json").write_text(json.dumps({"table": rows}))
    (tmp_path / "b.json").write_text(json.dumps(rows))
    for name in ("a.npy", "a.csv", "a.json", "b.json"):
        task = load_table_task(tmp_path / name)
        assert task.labels.tolist() == [[0, 2, -1], [1, 0, 0]]
        assert (task.n_classes, task.name, len(task)) == (3, name[0], 5)


def test_labels_may_be_texts_and_operands_many(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    path.write_text("red,blue\nblue,\n", encoding="utf-8")
    task = load_table_task(path, name="colours")
    assert (task.labels.tolist(), task.name) == ([[1, 0], [0, -1]], "colours")
    cube = np.arange(8).reshape(2, 2, 2) % 3
    np.save(tmp_path / "cube.npy", cube)
    assert load_table_task(tmp_path / "cube.npy").labels.tolist() == cube.tolist()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", b"1,2", r"must end in \.npy, \.csv, \.json"),
        ("a.csv", b"1,2\n3\n", "cannot read a table of labels from 'a.csv': rows differ in length"),
        ("a.json", b"[[1.5]]", "whole numbers or texts, got numbers with a point"),
        ("a.json", b"[[true]]", "got true or false"),
        ("a.json", b"{}", 'expected a key "table"'),
        ("a.json", b"[[1,", "cannot read a table of labels"),
        ("a.json", b"[[]]", "whole numbers or texts"),
        ("a.npy", b"rubbish", "cannot read a table of labels"),
        ("a.csv", b",\n,\n", "hold no example"),
    ],
)
def test_other_files_are_refused(name: str, content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=told):
        load_table_task(tmp_path / name)


def test_absent_files_and_pickles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot read a table of labels from 'none\.csv'"):
        load_table_task(tmp_path / "none.csv")
    np.save(tmp_path / "a.npy", np.array([[{"a": 1}]]), allow_pickle=True)
    with pytest.raises(ValueError, match="cannot read a table of labels"):
        load_table_task(tmp_path / "a.npy")


@pytest.mark.parametrize(
    "task", [expression_task("x^2+xy+y^2 mod 5"), word_task(group_from_spec("C3"), 3)]
)
def test_tasks_can_be_trained_on(task) -> None:  # type: ignore[no-untyped-def]
    config = TrainConfig(
        n_hidden=128, train_fraction=1, epochs=400, weight_decay=0.0, activation="relu"
    )
    (run,) = train(task, config)
    assert run.last("train_accuracy") == 1.0
    assert run.config.task == task.name
