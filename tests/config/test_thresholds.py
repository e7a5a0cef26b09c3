from datetime import date

from perfkit.config.thresholds import Thresholds

THRESHOLDS = Thresholds.model_validate_json("""
{
  "regression": {"threshold": "4%"},
  "benchmarks": [
    {"match": "suite.*", "threshold": "10%"},
    {"match": "suite.Io.*", "threshold": "20%", "metric": "time", "absolute_floor": "2ms"}
  ],
  "waivers": [
    {"benchmark": "suite.Io.*", "metric": "time", "ceiling": "30%", "expires": "2026-12-31",
     "issue": "#1", "reason": "old"},
    {"benchmark": "suite.Io.time_read*", "ceiling": "50%", "expires": "2026-06-30",
     "issue": "#2", "reason": "new"}
  ]
}
""")


def test_the_last_matching_rule_counts() -> None:
    assert THRESHOLDS.rule_for("suite.Io.time_read", "time").threshold == 0.2
    assert THRESHOLDS.rule_for("suite.Io.time_read", "memory").threshold == 0.1
    assert THRESHOLDS.rule_for("suite.Cpu.time_sum('a', 3)", "time").threshold == 0.1


def test_without_a_rule_the_default_threshold_counts() -> None:
    rule = THRESHOLDS.rule_for("Suite.Io.time_read", "time")
    assert (rule.threshold, rule.absolute_floor, rule.why) == (0.04, None, "")


def test_the_last_covering_waiver_counts() -> None:
    waiver = THRESHOLDS.waiver_for("suite.Io.time_read", "time")
    assert waiver is not None
    assert waiver.issue == "#2"
    waiver = THRESHOLDS.waiver_for("suite.Io.time_write", "time")
    assert waiver is not None
    assert waiver.issue == "#1"
    assert THRESHOLDS.waiver_for("suite.Io.time_write", "memory") is None


def test_a_waiver_holds_through_its_last_day() -> None:
    waiver = THRESHOLDS.waivers[0]
    assert not waiver.expired(date(2026, 12, 31))
    assert waiver.expired(date(2027, 1, 1))
