import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from perfkit.config.load import (
    Override,
    Settings,
    explain,
    load_settings,
    variables,
)
from perfkit.config.monitoring import Monitoring
from perfkit.config.thresholds import Thresholds
from perfkit.errors import ConfigError, ExitCode

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    return Path("config")


def _load(
    folder: Path, thresholds: str, environ: Mapping[str, str] | None = None, *options: Override
) -> Settings:
    (folder / "performance_thresholds.yaml").write_text(thresholds, encoding="utf-8")
    return load_settings(folder, environ=environ or {}, options=options)


def test_without_files_every_value_is_a_default(tmp_path: Path) -> None:
    settings = load_settings(tmp_path / "config", environ={})
    assert settings.thresholds == Thresholds()
    assert settings.monitoring == Monitoring()
    assert {row.source for row in explain(settings)} == {"default"}


def test_an_empty_file_is_all_defaults(folder: Path) -> None:
    assert _load(folder, "").thresholds == Thresholds()


def test_a_directory_that_was_asked_for_must_hold_a_file(folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(folder, environ={}, must_exist=True)
    assert str(caught.value) == (
        "config: found neither performance_thresholds.yaml nor monitoring_config.yaml, wanted a "
        "directory that holds one of them; 'perfkit init' writes both"
    )
    assert caught.value.exit_code is ExitCode.USAGE


def test_an_empty_file_satisfies_a_directory_that_was_asked_for(folder: Path) -> None:
    (folder / "monitoring_config.yaml").touch()
    assert load_settings(folder, environ={}, must_exist=True).monitoring == Monitoring()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "regression:\n  treshold: 5%\n",
            (
                "2:3: found the unknown key 'treshold', wanted one of threshold, alpha, "
                "min_rounds, "
                "max_rounds, time_budget, load_wait, noise_floor, memory, memory_threshold, "
                "memory_floor, allocations, allocations_threshold, allocations_floor; "
                "did you mean 'threshold'?"
            ),
        ),
        (
            "regresion: {}\n",
            (
                "1:1: found the unknown key 'regresion', wanted one of schema, regression, "
                "benchmarks, culprits, impact, budgets, profile_budgets, leaks, objectives, "
                "load, drills, waivers, leak_waivers, quarantine; "
                "did you mean 'regression'?"
            ),
        ),
        (
            "regression:\n  Max-Rounds: 9\n",
            (
                "2:3: found the unknown key 'Max-Rounds', wanted one of threshold, alpha, "
                "min_rounds, "
                "max_rounds, time_budget, load_wait, noise_floor, memory, memory_threshold, "
                "memory_floor, allocations, allocations_threshold, allocations_floor; "
                "did you mean 'max_rounds'?"
            ),
        ),
        (
            "xyz: 1\n",
            (
                "1:1: found the unknown key 'xyz', wanted one of schema, regression, benchmarks, "
                "culprits, impact, budgets, profile_budgets, leaks, objectives, load, "
                "drills, waivers, leak_waivers, quarantine"
            ),
        ),
        (
            "budgets:\n  - name: a\n    benchmark: b\n    limit: 1s\n    lmit: 2s\n",
            (
                "5:5: found the unknown key 'lmit', wanted one of name, benchmark, "
                "statistic, "
                "limit, why; did you mean 'limit'?"
            ),
        ),
        (
            "budgets:\n  - name: a\n    benchmark: b\n",
            ("2:5: found no key 'limit', wanted it among name, benchmark, statistic, limit, why"),
        ),
        (
            "budgets:\n  - name: a\n    benchmark: b\n    limit: 1\n",
            "4:12: limit: found 1 without a unit, wanted an amount such as 250ms, 64MiB or 12count",
        ),
        (
            "budgets:\n  - name: a\n    benchmark: b\n    limit: 0s\n",
            "4:12: limit: found zero, wanted more than zero",
        ),
        (
            (
                "budgets:\n"
                "  - {name: a, limit: 1s, benchmark: b}\n"
                "  - {name: a, limit: 1s, benchmark: c}\n"
            ),
            "2:3: budgets: found name 'a' twice, wanted it once",
        ),
        (
            "leaks:\n  - target: m:f\n  - target: m:f\n",
            "2:3: leaks: found target 'm:f' twice, wanted it once",
        ),
        ("regression: 5%\n", "1:13: regression: found '5%', wanted a mapping of keys to values"),
        ("regression:\n", "1:12: regression: found nothing, wanted a mapping of keys to values"),
        ("budgets: {}\n", "1:10: budgets: found a mapping, wanted a list"),
        ("schema: 2\n", "1:9: schema: found 2, wanted 1"),
        (
            "regression: {threshold: 0.05}\n",
            "1:25: threshold: found 0.05 without a unit, wanted a percentage such as 5%",
        ),
        (
            "regression: {threshold: yes}\n",
            "1:25: threshold: found true, wanted a percentage such as 5%",
        ),
        (
            "regression: {threshold: [5%]}\n",
            "1:25: threshold: found a list, wanted a percentage such as 5%",
        ),
        ("regression: {alpha: 1}\n", "1:21: alpha: found 1, wanted at most 0.5"),
        ("regression: {alpha: 0}\n", "1:21: alpha: found 0, wanted more than 0.0"),
        ("regression: {alpha: '0.1'}\n", "1:21: alpha: found '0.1', wanted a number"),
        ("regression: {min_rounds: 1}\n", "1:26: min_rounds: found 1, wanted at least 2"),
        ("regression: {min_rounds: 6.5}\n", "1:26: min_rounds: found 6.5, wanted a whole number"),
        (
            "regression: {min_rounds: 50}\n",
            "1:13: regression: found min_rounds 50 above max_rounds 20, wanted at most as many",
        ),
        (
            "waivers:\n- {benchmark: b, ceiling: 5%, expires: 2026-02-30, issue: i, reason: r}\n",
            "2:40: expires: found '2026-02-30', wanted a day such as 2026-12-31",
        ),
        (
            "waivers:\n- {benchmark: b, ceiling: 5%, expires: 2026, issue: i, reason: r}\n",
            "2:40: expires: found 2026, wanted a day such as 2026-12-31",
        ),
        (
            (
                "waivers:\n- {benchmark: b, ceiling: 5%, expires: 2026-02-03 10:00:00, issue: i, "
                "reason: r}\n"
            ),
            ("2:40: expires: found '2026-02-03 10:00:00', wanted a day such as 2026-12-31"),
        ),
        (
            "waivers:\n- {benchmark: b, ceiling: 5%, expires: 2026-02-03, issue: '', reason: r}\n",
            "2:59: issue: found '', wanted text that is not empty",
        ),
        (
            "leaks:\n- {target: '  '}\n",
            "2:12: target: found '  ', wanted text that is not blank",
        ),
        (
            "benchmarks:\n- {match: 7, threshold: 5%}\n",
            "2:11: match: found 7, wanted text (put it in quotes)",
        ),
        (
            "benchmarks:\n- {match: a, threshold: 5%, metric: tim}\n",
            "2:37: metric: found 'tim', wanted 'time', 'memory' or 'count'",
        ),
        (
            "benchmarks:\n- {match: a, threshold: 5%, absolute_floor: 1ms}\n",
            (
                "2:3: benchmarks: found an absolute_floor of time with metric left out, wanted "
                "metric: time"
            ),
        ),
        (
            "regression: {alpha: 2}\nbudget: []\nschema: 3\n",
            "1:21: alpha: found 2, wanted at most 0.5 (and 2 more errors)",
        ),
    ],
)
def test_a_wrong_file_gets_one_sentence_at_the_place(
    folder: Path, text: str, sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(folder, text)
    assert str(caught.value) == f"config/performance_thresholds.yaml:{sentence}"


def test_option_beats_environment_beats_file_beats_default(folder: Path) -> None:
    text = "regression:\n  threshold: 6%\n  alpha: 0.01\n  max_rounds: 20\n"
    environ = {"PERFKIT_REGRESSION_THRESHOLD": "7%", "PERFKIT_REGRESSION_MAX_ROUNDS": "25"}
    option = Override("regression.threshold", "8%", "--threshold")
    settings = _load(folder, text, environ, option)
    rows = {row.key: (row.value, row.source) for row in explain(settings)}
    assert rows["regression.threshold"] == ("8%", "option --threshold")
    assert rows["regression.max_rounds"] == (25, "environment PERFKIT_REGRESSION_MAX_ROUNDS")
    assert rows["regression.alpha"] == (0.01, "config/performance_thresholds.yaml:3")
    assert rows["regression.min_rounds"] == (6, "default")
    assert settings.thresholds.regression.threshold == 0.08


def test_every_variable_sets_its_key(tmp_path: Path) -> None:
    given = {
        "PERFKIT_REGRESSION_THRESHOLD": "7%",
        "PERFKIT_REGRESSION_ALPHA": "0.01",
        "PERFKIT_IMPACT_PROFILES": "profiles",
        "PERFKIT_CULPRITS_BENCHMARKS": "1",
        "PERFKIT_CULPRITS_SESSIONS": "5",
        "PERFKIT_CULPRITS_TIME_BUDGET": "1min",
        "PERFKIT_REGRESSION_MIN_ROUNDS": "7",
        "PERFKIT_REGRESSION_MAX_ROUNDS": "8",
        "PERFKIT_REGRESSION_TIME_BUDGET": "2min",
        "PERFKIT_REGRESSION_LOAD_WAIT": "0s",
        "PERFKIT_REGRESSION_NOISE_FLOOR": "none",
        "PERFKIT_REGRESSION_MEMORY": "ignored",
        "PERFKIT_REGRESSION_MEMORY_THRESHOLD": "12%",
        "PERFKIT_REGRESSION_MEMORY_FLOOR": "2MiB",
        "PERFKIT_REGRESSION_ALLOCATIONS": "compared",
        "PERFKIT_REGRESSION_ALLOCATIONS_THRESHOLD": "12%",
        "PERFKIT_REGRESSION_ALLOCATIONS_FLOOR": "50count",
        "PERFKIT_LOGGING_LEVEL": "debug",
        "PERFKIT_LOGGING_FORMAT": "json",
        "PERFKIT_PROGRESS": "never",
        "PERFKIT_COMMENT_POLICY": "on-change",
        "PERFKIT_COMMENT_KEY": "3.13",
        "PERFKIT_COMMENT_CHECK_RUN": "true",
        "PERFKIT_COMMENT_MAX_WAIT": "2min",
        "PERFKIT_STORE_PATH": "telemetry.sqlite",
        "PERFKIT_ALERTS_INTERVAL": "5s",
        "PERFKIT_NOTIFICATION_GROUP_BY": "none",
        "PERFKIT_NOTIFICATION_GROUP_WAIT": "1s",
        "PERFKIT_NOTIFICATION_GROUP_INTERVAL": "1min",
        "PERFKIT_NOTIFICATION_REPEAT_INTERVAL": "1h",
        "PERFKIT_NOTIFICATION_JOURNAL": "journal",
        "PERFKIT_LOAD_P50": "1s",
        "PERFKIT_LOAD_P95": "2s",
        "PERFKIT_LOAD_P99": "3s",
        "PERFKIT_LOAD_MAX": "4s",
        "PERFKIT_LOAD_AVAILABILITY": "99.9%",
        "PERFKIT_LOAD_CAPACITY": "200/s",
        "PERFKIT_LOAD_P99_RISE": "30%",
        "PERFKIT_LOAD_MEMORY_RISE": "1MiB",
        "PERFKIT_LOAD_WHY": "42",
        "PERFKIT_LOAD_TARGET": "http://127.0.0.1:{port}/",
        "PERFKIT_LOAD_SERVE": "serve {port}",
        "PERFKIT_LOAD_CHECK_HOLD": "4s",
        "PERFKIT_LOAD_CHECK_BUDGET": "4min",
        "PERFKIT_LOAD_ARRIVALS": "constant",
        "PERFKIT_LOAD_SEED": "7",
        "PERFKIT_LOAD_RATE": "50/s",
        "PERFKIT_LOAD_HOLD": "5s",
        "PERFKIT_LOAD_SOAK": "30min",
        "PERFKIT_LOAD_RAMP": "3s",
        "PERFKIT_LOAD_WARM": "2s",
        "PERFKIT_LOAD_SPIKE_RATE": "90/s",
        "PERFKIT_LOAD_SPIKE": "6s",
        "PERFKIT_LOAD_RECOVER": "7s",
        "PERFKIT_LOAD_STEP": "8s",
        "PERFKIT_LOAD_LONGEST": "3min",
        "PERFKIT_LOAD_TIMEOUT": "9s",
        "PERFKIT_LOAD_MOST_WAITING": "10",
        "PERFKIT_LOAD_MOST_REQUESTS": "11",
        "PERFKIT_LOAD_MOST_TIME": "1h",
        "PERFKIT_DRILLS_RTO": "1min",
        "PERFKIT_DRILLS_RPO": "1d",
        "PERFKIT_DRILLS_WHY": "asked",
        "PERFKIT_DRILLS_ARCHIVE": "backup.tar",
    }
    assert set(given) == set(variables())
    rows = {row.source: row for row in explain(load_settings(tmp_path, environ=given))}
    for name, text in given.items():
        row = rows[f"environment {name}"]
        shown = json.dumps(row.value) if isinstance(row.value, bool) else str(row.value)
        assert (row.key, shown) == (variables()[name], text)


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, environ={"PERFKIT_REGRESSION_THRESHOLD": ""})
    assert settings.thresholds.regression.threshold == 0.05


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        (
            "PERFKIT_REGRESSION_THRESHOLD",
            "0.05",
            (
                "environment PERFKIT_REGRESSION_THRESHOLD: threshold: found 0.05 without a unit, "
                "wanted a percentage such as 5%"
            ),
        ),
        (
            "PERFKIT_REGRESSION_ALPHA",
            ".inf",
            "environment PERFKIT_REGRESSION_ALPHA: alpha: found inf, wanted a finite number",
        ),
        (
            "PERFKIT_REGRESION_THRESHOLD",
            "5%",
            (
                "environment PERFKIT_REGRESION_THRESHOLD: found an unknown variable; did you mean "
                "PERFKIT_REGRESSION_THRESHOLD?"
            ),
        ),
    ],
)
def test_a_wrong_variable_gets_one_sentence(
    tmp_path: Path, name: str, text: str, sentence: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, environ={name: text})
    assert str(caught.value) == sentence


def test_a_wrong_option_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^option --alpha: alpha: found 3, wanted at most 0\.5"):
        load_settings(tmp_path, environ={}, options=[Override("regression.alpha", "3", "--alpha")])


def test_a_variable_does_not_hide_a_broken_section(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"yaml:1:13: regression: found 5, wanted a mapping"):
        _load(folder, "regression: 5\n", {"PERFKIT_REGRESSION_ALPHA": "0.01"})


def test_a_variable_that_contradicts_the_file_is_named(folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(folder, "regression: {max_rounds: 8}\n", {"PERFKIT_REGRESSION_MIN_ROUNDS": "9"})
    assert str(caught.value) == (
        "environment PERFKIT_REGRESSION_MIN_ROUNDS: regression: found min_rounds 9 above "
        "max_rounds 8, wanted at most as many"
    )


def test_foreign_variables_are_left_alone(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, environ={"PERFKIT_UNRELATED_TOKEN": "x", "HOME": "/"})
    assert {row.source for row in explain(settings)} == {"default"}


def test_this_repository_is_configured() -> None:
    settings = load_settings(ROOT / "config", environ={}, must_exist=True)
    assert [leak.target for leak in settings.thresholds.leaks] == ["workload.pipeline:run_lecture"]
    assert {budget.limit.value for budget in settings.thresholds.budgets} == {1.0}
