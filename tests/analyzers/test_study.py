"""The study: verdicts, files, report; and what is left after a crash."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np
import pytest

from analyzers.claims import VERDICTS
from analyzers.network_claims import claims_of_networks, has_settled
from analyzers.study import StudyResult, default_config, run_study
from analyzers.study_claims import claims_of_irreps, claims_of_maxima
from groupfeat.energy import find_maxima
from groupfeat.groups import group_from_spec, irreps
from groupfeat.training import MatchThresholds, load_checkpoint, match_nodes, train

SHORT = replace(default_config(group_from_spec("D5")), epochs=300, settle_epochs=50)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    folder = tmp_path_factory.mktemp("study") / "S3"
    return run_study(group_from_spec("S3"), folder, starts=60, runs=2)


def test_s3_is_confirmed(study: StudyResult) -> None:
    verdicts = {claim.name: claim for claim in study.claims}
    assert study.holds
    assert all(claim.verdict in VERDICTS for claim in study.claims)
    assert verdicts["maxima"].verdict == "confirmed"
    assert verdicts["maxima"].prediction == "levels M/2 (ρ1, 0 flat), M/4 (ρ2, 3 flat)"
    assert re.match(
        r"M/2 \(ρ1, 0 flat, \d+×\), M/4 \(ρ2, 3 flat, \d+×\)", verdicts["maxima"].measured
    )
    assert verdicts["no other maximum"].measured.startswith("60 of 60 starts matched, 2 of 2")
    assert verdicts["printed levels"].verdict == "corrected"
    assert verdicts["generalisation"].measured == "1 of 2 runs answers all of the 4 (seed 0)"
    assert verdicts["nodes are maxima"].verdict == "confirmed"
    assert verdicts["every irrep is learned"].verdict == "confirmed"


def test_results_hold_every_step(study: StudyResult) -> None:
    results = json.loads(study.results.read_text())
    assert results["finished"] is True
    assert results["maxima"]["unmatched"] == 0
    assert [run["seed"] for run in results["training"]["runs"]] == [0, 1]
    assert results["nodes"]["matched_share"] >= 0.95
    assert results["config"]["versions"]["numpy"]
    assert results["config"]["train"]["weight_decay"] == pytest.approx(0.3 / 36)
    for name in results["training"]["checkpoints"]:
        assert load_checkpoint(study.results.parent / name).group_name == "S3"


def test_the_report_needs_nothing_but_itself(study: StudyResult) -> None:
    page = study.report.read_text()
    sources = re.findall(r'(?:src|href)="([^"]{0,40})', page)
    assert len(sources) == 5
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert "<script" not in page
    assert "@import" not in page
    for claim in study.claims:
        assert f">{claim.verdict}<" in page
        assert escape(claim.rule) in page
    assert "M/4 (ρ2, 3 flat)" in page


def test_figures_are_drawn(study: StudyResult) -> None:
    for name in ("cayley_table", "levels", "spectra", "curves", "nodes"):
        for suffix in ("png", "svg"):
            assert (study.report.parent / f"{name}.{suffix}").stat().st_size > 3000


@pytest.mark.parametrize("spec", ["C2", "C5"])
def test_small_groups_are_studied_too(spec: str, tmp_path: Path) -> None:
    group = group_from_spec(spec)
    config = replace(default_config(group), epochs=60)
    result = run_study(group, tmp_path, config=config, starts=20, runs=1)
    assert result.report.exists()
    assert json.loads(result.results.read_text())["finished"] is True


def test_a_crash_leaves_finished_work_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("analyzers.study.measure_training", crash)
    with pytest.raises(RuntimeError, match="power cut"):
        run_study(group_from_spec("S3"), tmp_path, starts=20, runs=1)
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["finished"] is False
    assert results["maxima"]["unmatched"] == 0
    assert len(results["verdicts"]) == 4
    assert not list(tmp_path.glob(".*"))


def test_a_missing_irrep_is_refuted_and_named() -> None:
    group = group_from_spec("D5")
    reps = irreps(group)
    (run,) = train(group, SHORT, seeds=[0])
    whole = match_nodes(run.first_layer, run.second_layer, reps)
    second = run.second_layer.copy()
    second[[node.index for node in whole.nodes if node.irreps == (2,)]] = 0
    match = match_nodes(run.first_layer, second, reps)
    claims = {claim.name: claim for claim in claims_of_networks(group, [run], [match])}
    assert claims["every irrep is learned"].verdict == "refuted"
    assert "run 0 lacks ρ2 (" in claims["every irrep is learned"].measured


def test_impure_nodes_are_refuted() -> None:
    group = group_from_spec("D5")
    (run,) = train(group, SHORT, seeds=[0])
    strict = MatchThresholds(share=1.0)
    match = match_nodes(run.first_layer, run.second_layer, irreps(group), thresholds=strict)
    claims = {claim.name: claim for claim in claims_of_networks(group, [run], [match])}
    assert claims["nodes are maxima"].verdict == "refuted"


def test_a_network_that_did_not_generalise_decides_nothing() -> None:
    group = group_from_spec("D5")
    (run,) = train(group, replace(default_config(group), epochs=5), seeds=[0])
    match = match_nodes(run.first_layer, run.second_layer, irreps(group))
    claims = claims_of_networks(group, [run], [match])
    assert {claim.verdict for claim in claims} == {"undecided"}
    assert "none of 1 run answers all of the 20 lastingly within 5 steps" in claims[0].measured


def test_a_chance_hit_on_a_small_test_set_decides_nothing() -> None:
    group = group_from_spec("C2xC2")
    hit = replace(default_config(group), epochs=20)
    run = next(
        run for run in train(group, hit, seeds=range(20)) if run.last("test_accuracy") == 1.0
    )
    match = match_nodes(run.first_layer, run.second_layer, irreps(group))
    assert match.share < 0.95  # which would refute, had the run settled
    claims = claims_of_networks(group, [run], [match])
    assert {claim.verdict for claim in claims} == {"undecided"}
    assert "; 1 did so at its end, for too short a time" in claims[0].measured


def test_what_settled_means() -> None:
    group = group_from_spec("D5")
    (run,) = train(group, SHORT, seeds=[0])
    assert run.epochs < 300
    assert has_settled(run)
    assert not has_settled(replace(run, config=replace(SHORT, settle_epochs=51)))
    for column, place in (("train_accuracy", -1), ("test_accuracy", -1), ("test_accuracy", -5)):
        values = list(run.history[column])
        values[place] = 0.9
        assert not has_settled(replace(run, history={**run.history, column: values}))


def test_few_starts_decide_nothing_that_they_did_not_see() -> None:
    reps = irreps(group_from_spec("Q8"))
    found = find_maxima(reps, starts=30, rng=0)
    fourth = next(i for i, f in enumerate(found.predicted) if f.dim == 2)
    seen = tuple(c for c in found.classes if c.matches == fourth)
    claims = {c.name: c for c in claims_of_maxima(replace(found, classes=seen), 8)}
    assert {c.verdict for c in claims.values()} == {"undecided"}
    assert "1 of 4 families seen" in claims["maxima"].measured
    assert "none of the 3 families it speaks of was seen" in claims["printed levels"].measured
    whole = {c.name: c.verdict for c in claims_of_maxima(found, 8)}
    assert list(whole.values()) == ["confirmed", "confirmed", "corrected"]


def test_every_verdict_tells_its_rule(study: StudyResult) -> None:
    assert all(claim.rule for claim in study.claims)
    assert "one run is enough" in study.claims[4].rule


def test_broken_irreps_are_refuted() -> None:
    reps = irreps(group_from_spec("S4"))
    orbit = np.array(reps[3].orbit)
    orbit[5] += 1e-6
    broken = replace(reps[3], orbit=orbit)
    members = (*reps.members[:3], broken, *reps.members[4:])
    assert claims_of_irreps(reps)[0].verdict == "confirmed"
    assert claims_of_irreps(type(reps).from_members(reps.table, members))[0].verdict == "refuted"


def test_a_refuted_claim_fails_the_study(study: StudyResult) -> None:
    lost = replace(study.claims[0], verdict="refuted")
    assert not replace(study, claims=(lost, *study.claims[1:])).holds


def wrong_level(found: object) -> object:
    predicted = found.predicted  # type: ignore[attr-defined]
    wrong = (replace(predicted[0], energy=predicted[0].energy * 2), *predicted[1:])
    return replace(found, predicted=wrong)  # type: ignore[type-var]


def unmatched(found: object) -> object:
    classes = found.classes  # type: ignore[attr-defined]
    lost = (replace(classes[0], matches=None), *classes[1:])
    return replace(found, classes=lost, unmatched=classes[0].count)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("break_it", "name"), [(wrong_level, "maxima"), (unmatched, "no other maximum")]
)
def test_wrong_predictions_are_refuted(break_it: Callable[[object], object], name: str) -> None:
    found = find_maxima(irreps(group_from_spec("S3")), starts=30, rng=0)
    claims = {c.name: c.verdict for c in claims_of_maxima(found, 6)}
    assert claims[name] == "confirmed"
    broken = {c.name: c.verdict for c in claims_of_maxima(break_it(found), 6)}  # type: ignore[arg-type]
    assert broken[name] == "refuted"
