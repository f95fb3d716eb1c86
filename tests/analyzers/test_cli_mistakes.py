"""Mistaken options and words: one line that names the right ones."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from analyzers._cli_commands import commands
from analyzers._cli_mistakes import _OTHER_NAMES

VERBS = ("characters", "exact", "group", "landscape", "maxima", "study", "threshold", "train")
MEANT = {
    "--lr 0.1": "--learning-rate",
    "-lr 0.1": "--learning-rate",
    "--lr=0.1": "--learning-rate",
    "--wd 1": "--weight-decay",
    "--depth 2": "--other-layers",
    "--width 3": "--hidden",
    "--k 3": "--hidden",
    "--K 3": "--hidden",
    "--n_hidden 3": "--hidden",
    "--hidden-size 3": "--hidden",
    "--steps 9": "--epochs",
    "--epoch 9": "--epochs",
    "--frac 0.5": "--train-fraction",
    "--train-frac 0.5": "--train-fraction",
    "--opt adam": "--optimizer",
    "--optimzer adam": "--optimizer",
    "--act relu": "--activation",
    "--batchnorm": "--batch-norm",
    "--no-batchnorm": "--no-batch-norm",
    "--no-bn": "--no-batch-norm",
    "--tele all": "--telemetry",
    "-o x": "--out",
}


@pytest.mark.parametrize("words", MEANT)
def test_the_option_that_was_meant(call: Any, words: str) -> None:
    code, out, err = call("train", "C5", *words.split())
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.endswith(f"Did you mean {MEANT[words]}?\n")


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("train C5 --batch-size 8", "Every step takes all examples"),
        ("train C5 --gpu", "Did you mean --device?"),
        ("train C5 --colour red", "--colour. See groupfeat train --help"),
        ("maxima S3 --lr 3", "--lr. See groupfeat maxima --help"),
        ("maxima --group S3", "stands by itself: groupfeat maxima S3"),
        ("group S3 C5", "Not understood: C5. group takes one SPEC and options"),
        ("train C5 lr=0.1", "did you mean --learning-rate 0.1?"),
        ("train C5 red=0.1", "see groupfeat train --help"),
        ("train C5 --bias 3", "Not understood: 3. train takes one SPEC"),
        ("exact S3 --file x.npz", "Did you mean --out instead of --file?"),
        ("exact S3 x.npz", "Did you mean --out x.npz?"),
        ("exact S3 --out", "--out requires an argument.\n"),
        ("study S3", "--out requires an argument.\n"),
        ("study S3 --dir x", "Did you mean --out instead of --dir?"),
        ("validate x.pt S3", "the group goes after --group"),
    ],
)
def test_what_is_not_there_is_told(call: Any, words: str, advice: str) -> None:
    code, out, err = call(*words.split())
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert advice in err


def other_names() -> Iterator[tuple[str, str, str]]:
    """Every other name of every option that a verb has."""
    for verb in (*VERBS, "validate"):
        known = commands[verb].assemble_argument_collection()
        options = {name for each in known for name in each.names}
        for option, others in _OTHER_NAMES.items():
            if f"--{option}" in options:
                yield from ((verb, option, other) for other in others.split())


def test_other_names_lead_to_one_option_each(call: Any) -> None:
    """None of them is itself the beginning of another option, or stands for two of one verb."""
    found = list(other_names())
    assert {option for _, option, _ in found} == set(_OTHER_NAMES)
    for verb, option, other in found:
        needed = () if option == "out" or verb not in ("exact", "study") else ("--out", "x")
        code, _, err = call(verb, "C5", *needed, f"--{other}")
        assert code == 2
        assert re.search(f"Did you mean --{option}(\\?| instead)", err), (verb, other, err)
