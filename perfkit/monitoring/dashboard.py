"""One frame of the dashboard from the telemetry store; the time is an argument."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from perfkit.config.load import Settings
from perfkit.config.objectives import Objective
from perfkit.config.units import format_duration
from perfkit.errors import MeasurementError, UsageError
from perfkit.model.dashboard import (
    AlertRow,
    ComponentRow,
    ComponentState,
    Dashboard,
    ObjectiveRow,
)
from perfkit.monitoring.component_rows import MOST_NAMES, OTHERS, Fold
from perfkit.monitoring.conditions import bad_share
from perfkit.monitoring.grid import Grid, grid_for
from perfkit.monitoring.routing import mute
from perfkit.monitoring.rules import good_of, rules_of
from perfkit.monitoring.slo import judge
from perfkit.monitoring.states import Evaluation, Evaluator
from perfkit.monitoring.store_telemetry import StoreTelemetry, open_store, store_counts
from perfkit.monitoring.watch import evaluate_past
from perfkit.runtime.series import RUNTIME
from perfkit.runtime.store import Store
from perfkit.runtime.windows import Key

FRESH_SECONDS: Final = 10.0
"""A gauge that was not written for longer is not known now; the runtime writes once a second."""
AHEAD_SECONDS: Final = 60.0
"""Records that lie further in the future are told: a clock jumped, or two machines disagree."""
HOUR: Final = 3600.0

MOST_COMPONENTS: Final = 100
MOST_ALERTS: Final = 100
"""Rows in a frame."""
QUIET_SHARE: Final = 0.05
"""A beginning of the window without a record is told from this share of the window on."""

_RUNTIME_WORDS: Final = {
    "runtime.lost": "recorded calls were lost, as the store could not be written for too long",
    "runtime.capped": "names or sets of labels were too many and count together",
    "runtime.invalid_value": "values were no finite numbers and are left out",
    "runtime.invalid_label": "names or labels could not be read and count under what was readable",
    "runtime.refused": "series of a second could not be stored and are lost",
}


class Observer:
    """Looks at a store again and again.

    The store is opened for every look, so that a file that was replaced is seen, and a look may
    come from any thread, one at a time. Alert rules and objectives are evaluated every
    ``alerts.interval`` of the configuration, everything else at every look.
    """

    def __init__(
        self, path: Path, settings: Settings, *, window: float, only: Sequence[str] = ()
    ) -> None:
        self._path = path
        self._settings = settings
        self._window = window
        self._only = tuple(dict.fromkeys(only))
        self._rules = rules_of(settings)
        self._evaluator: Evaluator | None = None
        self._judged: _Judged | None = None

    def look(self, at: float) -> Dashboard:
        """Return the frame of the window that ends at ``at`` (seconds since 1970).

        Raises:
            MeasurementError: there is no store, or it cannot be read.
            NewerStoreError: a later version of perfkit wrote it.
            UsageError: a component that was asked for is neither configured nor in the store.
        """
        with open_store(self._path) as store:
            try:
                return self._look(store, at)
            except ValueError as error:
                raise MeasurementError(
                    f"{self._path}: holds what is no telemetry of this version ({error}); name "
                    "another store."
                ) from error

    def _look(self, store: Store, at: float) -> Dashboard:
        series = store.series()
        self._refuse_unknown(series)
        wanted = sum(self._wants(key.component) for key in series)
        grid = grid_for(self._window, at, series=wanted)
        notes: list[str] = []
        folds = self._folds(store, grid, notes)
        judged = self._judge(store, at)
        components = self._components(folds, judged.alerts)
        if len(components) > MOST_COMPONENTS:
            more = len(components) - MOST_COMPONENTS
            notes.append(f"{more} more components are not shown; choose some with --component")
        return Dashboard(
            at=at,
            since=float(grid.since),
            resolution=grid.resolution,
            store=str(self._path),
            components=components[:MOST_COMPONENTS],
            objectives=judged.objectives,
            alerts=judged.alerts,
            notes=(*notes, *_beginning(folds, grid), *_ahead(store, at), *judged.notes),
        )

    def _refuse_unknown(self, series: Sequence[Key]) -> None:
        configured = [one.name for one in self._settings.monitoring.components]
        known = {*configured, *(key.component for key in series)} - {RUNTIME}
        if unknown := [name for name in self._only if name not in known]:
            listed = ", ".join(map(repr, sorted(known)[:20])) or "none"
            raise UsageError(
                f"--component: found {unknown[0]!r}, wanted one of those that are configured or "
                f"in the store: {listed}."
            )

    def _wants(self, component: str) -> bool:
        return not self._only or component in self._only

    def _folds(self, store: Store, grid: Grid, notes: list[str]) -> dict[str, Fold]:
        """Return what the window holds, by component."""
        folds: dict[str, Fold] = {}
        span = (float(grid.since), grid.at)

        def fold(component: str) -> Fold:
            if component not in folds:
                folds[component] = Fold(grid)
            return folds[component]

        for component in self._only or (None,):
            since, until = span
            for calls in store.windows(
                component, since=since, until=until, resolution=grid.resolution
            ):
                fold(calls.component).add_calls(calls)
            for value in store.values(
                component, since=since, until=until, resolution=grid.resolution
            ):
                fold(value.component).add_value(value)
            for event in store.events(
                component, since=since, until=until, resolution=grid.resolution
            ):
                if event.component != RUNTIME:
                    fold(event.component).add_event(event)
            fresh = max(since, grid.at - FRESH_SECONDS)
            for value in store.values(component, since=fresh, until=until, resolution=1):
                fold(value.component).now(value)
        told = store.events(RUNTIME, since=span[0], until=span[1], resolution=grid.resolution)
        counts: dict[str, int] = {}
        for event in told:
            counts[event.name] = counts.get(event.name, 0) + event.count
        notes += [
            f"{name}, {count:,} times: {_RUNTIME_WORDS.get(name, 'see the page of the runtime')}"
            for name, count in sorted(counts.items())
        ]
        notes += [
            f"{name}: more than {MOST_NAMES:,} names of calls; the rest counts under {OTHERS!r}"
            for name, found in folds.items()
            if found.names_capped
        ]
        return folds

    def _components(
        self, folds: Mapping[str, Fold], alerts: Sequence[AlertRow]
    ) -> tuple[ComponentRow, ...]:
        configured = {one.name: one.why for one in self._settings.monitoring.components}
        names = [*configured, *sorted(name for name in folds if name not in configured)]
        firing = {one.component for one in alerts if one.state == "firing" and one.muted is None}
        watched = {rule.labels["component"] for rule in self._rules} | {
            one.component for one in self._settings.thresholds.objectives
        }
        nothing = Fold(Grid(0, 1.0, 1, 1))

        def state(name: str, fold: Fold) -> ComponentState:
            if name in firing:
                return "firing"
            if fold.breaker_open:
                return "breaker open"
            if fold.last_seen is None:
                return "no data"
            return "ok" if name in watched else "unwatched"

        return tuple(
            fold.row(
                name,
                why=configured.get(name, ""),
                state=state(name, fold),
                minimums=self._minimums(name),
            )
            for name in names
            if self._wants(name)
            for fold in [folds.get(name, nothing)]
        )

    def _minimums(self, component: str) -> dict[str, float]:
        """What alert rules want of the qualities of a component, by their names."""
        return {
            rule.quality: rule.below.value
            for rule in self._settings.monitoring.alerts.rules
            if rule.quality is not None
            and rule.below is not None
            and rule.component in {None, component}
        }

    def _judge(self, store: Store, at: float) -> "_Judged":
        """Alerts and objectives, evaluated anew when that is due."""
        interval = self._settings.monitoring.alerts.interval
        last = self._judged
        if last is not None and 0 <= at - last.at < interval:
            return last
        telemetry = StoreTelemetry(store)
        if self._evaluator is None:
            self._evaluator, found = evaluate_past(self._rules, telemetry, at, interval=interval)
        else:
            found = self._evaluator.step(telemetry, at)
        objectives = self._objectives(store, telemetry, at)
        notes = (*found.notes, *telemetry.notes)
        self._judged = _Judged(at, self._alerts(found), objectives, notes)
        return self._judged

    def _alerts(self, found: Evaluation) -> tuple[AlertRow, ...]:
        configured = self._settings.monitoring.alerts
        muted = mute(found.firing, configured.silences, configured.inhibitions, found.at)
        silent = {one.alert.fingerprint: one.by for one in muted}
        rows = [
            AlertRow(
                name=alert.name,
                state=alert.state,
                severity=alert.labels.get("severity", ""),
                component=alert.labels.get("component", ""),
                call=alert.labels.get("name"),
                summary=alert.summary,
                why=alert.why,
                since=alert.since,
                muted=silent.get(alert.fingerprint),
            )
            for alert in sorted(found.alerts, key=lambda one: one.state)
        ]
        return tuple(row for row in rows if self._wants(row.component))[:MOST_ALERTS]

    def _objectives(
        self, store: Store, telemetry: StoreTelemetry, at: float
    ) -> tuple[ObjectiveRow, ...]:
        chosen = [one for one in self._settings.thresholds.objectives if self._wants(one.component)]
        return tuple(
            ObjectiveRow(
                name=row.objective.name,
                component=row.objective.component,
                call=row.objective.call,
                target=row.objective.target,
                within=row.objective.within,
                window=row.objective.window,
                state=row.assessment.state.value,
                total=row.assessment.total,
                bad=row.assessment.bad,
                budget_left=row.assessment.budget_left,
                burn=row.assessment.burn,
                burn_hour=_burn(row.objective, telemetry, at),
                note=row.note,
                why=row.objective.why,
            )
            for row in judge(chosen, store_counts(store), at)
        )


class _Judged:
    """What was last evaluated, and when."""

    def __init__(
        self,
        at: float,
        alerts: tuple[AlertRow, ...],
        objectives: tuple[ObjectiveRow, ...],
        notes: tuple[str, ...],
    ) -> None:
        self.at = at
        self.alerts = alerts
        self.objectives = objectives
        self.notes = notes


def _burn(objective: Objective, telemetry: StoreTelemetry, at: float) -> float | None:
    share = bad_share(good_of(objective), telemetry, HOUR, at)
    return None if share is None else share / (1 - objective.target)


def _beginning(folds: Mapping[str, Fold], grid: Grid) -> Iterator[str]:
    """Say where the beginning of the window holds nothing, since rates count it."""
    firsts = [fold.first_seen for fold in folds.values() if fold.first_seen is not None]
    if not firsts:
        return
    quiet = min(firsts) - grid.since
    if quiet > max(2 * grid.resolution, QUIET_SHARE * grid.seconds):
        yield (
            f"nothing was recorded in the first {format_duration(quiet)} of the window of "
            f"{format_duration(round(grid.seconds))}; rates are over all of it"
        )


def _ahead(store: Store, at: float) -> Iterator[str]:
    """Say where records lie in the future."""
    since = at + AHEAD_SECONDS
    later = [one.start for one in store.windows(since=since, resolution=60)]
    later += [one.start for one in store.values(since=since, resolution=60)]
    if later:
        yield (
            f"records lie up to {format_duration(round(max(later) - at))} in the future, and are "
            "not shown: a clock jumped, or the application's clock is ahead"
        )
