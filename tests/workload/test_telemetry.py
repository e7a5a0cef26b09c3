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
    with Store(path, read_only=True) as store:
        calls = {(w.component, w.name): (w.ok, w.errors) for w in store.windows(resolution=3600)}
        (quality,) = store.values(resolution=3600)
    assert calls["mcp", "process_transcript"] == (1, 1)
    assert calls["mcp", "process_cue"] == (1, 0)
    assert calls["text", "parse"] == (1, 1)
    assert calls["text", "process_text"] == (done["cues"] + 1, 0)
    assert (quality.component, quality.name) == ("quality", "corrections_per_cue")
    assert quality.last == pytest.approx(done["corrections"] / done["cues"])


def test_without_a_store_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(telemetry.STORE, raising=False)
    before = dict(vars(pipeline))
    assert telemetry.chosen()(pipeline.run_cue) is pipeline.run_cue
    assert vars(pipeline) == before
