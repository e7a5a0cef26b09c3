from collections import Counter
from pathlib import Path

import pytest

from perfkit.runtime.store import Store
from workload import pipeline, telemetry
from workload.lecture import synthetic_lecture
from workload.session import ToolFailedError, over_stdio


def test_a_server_with_a_store_records_tools_stages_and_quality(tmp_path: Path) -> None:
    lecture = synthetic_lecture()
    path = tmp_path / "telemetry.sqlite"
    with over_stdio(telemetry=path) as session:
        done = session.call("process_transcript", srt=lecture.srt)
        session.call("process_cue", text=lecture.first_cue)
        with pytest.raises(ToolFailedError, match="line 1"):
            session.call("process_transcript", srt="x")
    calls: Counter[tuple[str, str, str]] = Counter()
    with Store(path, read_only=True) as store:
        for w in store.windows(resolution=3600):
            calls[w.component, w.name, "ok"] += w.ok
            calls[w.component, w.name, "errors"] += w.errors
        noted = list(store.values("quality", resolution=3600))
        (*_, memory) = store.values("workload", "process.rss_bytes", resolution=3600)
    assert calls["mcp", "process_transcript", "ok"] == 1
    assert calls["mcp", "process_transcript", "errors"] == 1
    assert calls["mcp", "process_cue", "ok"] == 1
    assert calls["text", "parse", "errors"] == 1
    assert calls["text", "process_text", "ok"] == done["cues"] + 1
    assert {(v.component, v.name) for v in noted} == {("quality", "corrections_per_cue")}
    assert memory.min > 2**20
    assert noted[-1].last == pytest.approx(done["corrections"] / done["cues"])


def test_without_a_store_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(telemetry.STORE, raising=False)
    before = dict(vars(pipeline))
    assert telemetry.chosen()(pipeline.run_cue) is pipeline.run_cue
    assert vars(pipeline) == before
