"""What a mistaken command line is told: which option was meant, which word is one too many."""

from collections.abc import Mapping
from difflib import get_close_matches

from cyclopts import CycloptsError
from cyclopts.exceptions import MissingArgumentError, UnknownOptionError, UnusedCliTokensError

__all__ = ["describe_mistake"]

_LIKENESS = 0.75
_OTHER_NAMES: Mapping[str, str] = {
    "activation": "act nonlinearity sigma",
    "batch-norm": "bn norm normalise normalize",
    "bias": "biases",
    "checkpoint-at": "checkpoint checkpoints checkpoint-every checkpoint-interval save-every",
    "complex-weights": "complex",
    "config": "config-file settings toml yaml",
    "device": "accelerator cuda gpu",
    "embedding": "embed embed-dim embedding-dim d-embed d-model",
    "epochs": "epoch iters iterations max-epochs max-iter max-steps n-epochs n-steps num-epochs "
    "num-steps steps",
    "eval-every": "eval-interval log-every log-interval",
    "hidden": "d-hidden hidden-dim hidden-nodes hidden-size hidden-units k n-hidden neurons nodes "
    "num-hidden units width",
    "init": "initialisation initialization",
    "init-scale": "scale",
    "json": "j as-json",
    "learning-rate": "lr rate step-size",
    "loss": "criterion loss-fn objective",
    "operands": "arity n-operands",
    "optimizer": "algorithm opt optim optimiser",
    "other-layers": "depth hidden-layers layers n-layers num-layers",
    "out": "dir file folder o out-dir outdir output output-dir save save-dir",
    "precision": "dtype",
    "preset": "experiment",
    "resume": "from from-checkpoint load",
    "runs": "n-runs n-seeds networks num-runs repeats seeds",
    "samples": "directions n-samples",
    "schedule": "lr-schedule lr-scheduler scheduler",
    "seed": "random-seed random-state rng s",
    "settle-epochs": "patience",
    "starts": "inits n-starts restarts",
    "task": "expr expression",
    "task-file": "data dataset",
    "telemetry": "log metrics record",
    "train-fraction": "frac frac-train fraction p p-train split train-frac train-ratio train-share "
    "train-size",
    "trials": "n-trials repeats",
    "warmup-epochs": "warmup warmup-steps",
    "weight-decay": "decay eta l2 lam lambda reg wd",
    "workers": "jobs n-jobs n-workers num-workers processes threads",
}
_LACKING: Mapping[str, str] = {
    "batch-size batch bs": "Every step takes all examples that are trained on",
}


def describe_mistake(error: CycloptsError) -> str:
    """Return one line that names what was wrong and says what to do."""
    verb = " ".join(error.command_chain or ())
    if isinstance(error, UnknownOptionError):
        told = (error.token.keyword or error.token.value).partition("=")[0]
        return f"Unknown option: {told}. {_advice(_bare(told), _options(error), verb)}"
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        return _left_over(error, error.unused_tokens, verb)
    if isinstance(error, MissingArgumentError) and error.unused_tokens:
        return _missing(error, error.unused_tokens)
    return str(error)


def _left_over(error: CycloptsError, words: list[str], verb: str) -> str:
    name, _, value = words[0].partition("=")
    meant = _meant(_bare(name), _options(error)) if value else None
    way = f"did you mean {meant} {value}?" if meant else f"see groupfeat {verb} --help"
    first = "PATH (the group goes after --group)" if verb == "validate" else "SPEC"
    return (
        f"Not understood: {' '.join(words)}. {verb} takes one {first} and options, each with its "
        f"value (flags have none); {way}"
    )


def _missing(error: MissingArgumentError, words: list[str]) -> str:
    """Return what is missing, and the word that may have been meant to be it."""
    told, name = str(error), error.argument.name if error.argument is not None else ""
    if "Did you mean" in told or not name.startswith("--") or name in words:
        return told
    options = _options(error)
    for word in words:
        if word.startswith("-") and _meant(_bare(word.partition("=")[0]), options) == name:
            return f"{told} Did you mean {name} instead of {word}?"
    return told if words[0].startswith("-") else f"{told} Did you mean {name} {words[0]}?"


def _options(error: CycloptsError) -> dict[str, str]:
    """Return the options of the verb by their bare names."""
    known = [] if error.app is None else error.app.assemble_argument_collection()
    return {_bare(name): name for each in known for name in each.names if name.startswith("--")}


def _bare(option: str) -> str:
    return option.lstrip("-").lower().replace("_", "-")


def _advice(word: str, options: Mapping[str, str], verb: str) -> str:
    for words, why in _LACKING.items():
        if word in words.split() and verb == "train":
            return why
    if word in ("spec", "group"):
        return f"The group stands by itself: groupfeat {verb} S3"
    meant = _meant(word, options)
    return f"Did you mean {meant}?" if meant else f"See groupfeat {verb} --help"


def _meant(word: str, options: Mapping[str, str]) -> str | None:
    """Return the option that ``word`` most likely stands for."""
    if word.startswith("no-") and (found := _meant(word[3:], options)):
        return options.get(f"no-{_bare(found)}", found)
    squeezed = {option.replace("-", ""): name for option, name in options.items()}
    if (plain := word.replace("-", "")) in squeezed:
        return squeezed[plain]
    for option, others in _OTHER_NAMES.items():
        if option in options and word in others.split():
            return options[option]
    begun = sorted((o for o in options if len(word) > 1 and o.startswith(word)), key=len)
    likely = begun or get_close_matches(word, options, n=1, cutoff=_LIKENESS)
    return options[likely[0]] if likely else None
