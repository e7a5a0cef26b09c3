"""What ``perfkit profile`` does with a recording: show a view of it, write it as files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.cli.invocation import Invocation
from perfkit.cli.progress import saying
from perfkit.errors import ExitCode, UsageError
from perfkit.profiling.form import Form

if TYPE_CHECKING:
    from rich.console import RenderableType

    from perfkit.model import CallPath, Profile
    from perfkit.profiling.recording import Recording
    from perfkit.profiling.saved import Origin
    from perfkit.profiling.view import View


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How a recording is shown, and which files are written of it."""

    top: int
    view: "View"
    paths: str | None = None
    """Pattern of the functions whose call paths are shown."""
    files: Sequence[tuple[Path, Form]] = field(default=())

    def check(self) -> None:
        """Refuse files that cannot be written, before anything is measured."""
        from perfkit.profiling.export import check_writable

        for path, _ in self.files:
            check_writable(path)


def files_asked_for(
    html: Path | None, speedscope: Path | None, output: Sequence[Path], form: Form | None
) -> tuple[tuple[Path, Form], ...]:
    """Return each file with its form; UsageError where a form cannot be told."""
    from perfkit.profiling.form import form_of

    if form is not None and len(output) != 1:
        raise UsageError(
            f"--format {form}: is about one --output FILE, and {len(output)} were given; let the"
            " suffixes of the files say their forms."
        )
    return (
        *([(html, Form.HTML)] if html else []),
        *([(speedscope, Form.SPEEDSCOPE)] if speedscope else []),
        *((path, form or form_of(path)) for path in output),
    )


def written(recording: "Recording", form: Form, origin: "Origin | None") -> str | bytes:
    """Return a recording as a file of ``form``; a session tells its origin, of here by default."""
    from perfkit.profiling import export
    from perfkit.profiling.origin import origin_of
    from perfkit.profiling.reading import every_call, read
    from perfkit.profiling.saved import session_text
    from perfkit.reporting.flame_html import flame_html

    match form:
        case Form.HTML:
            return flame_html(read(recording), every_call(recording))
        case Form.SPEEDSCOPE:
            return export.speedscope(recording)
        case Form.PYISESSION:
            return session_text(recording, origin or origin_of(Path.cwd()))
        case Form.FOLDED:
            return export.folded(recording)
        case Form.PSTATS:
            return export.pstats(recording)


def show(
    invocation: Invocation,
    recording: "Recording",
    shown: Shown,
    *,
    origin: "Origin | None" = None,
) -> "tuple[RenderableType, dict[str, object]]":
    """Write the files of a recording, and return its report as text and as JSON values."""
    from dataclasses import asdict

    from perfkit.durable import write_whole
    from perfkit.profiling.reading import paths_to, read
    from perfkit.reporting.profile_text import profile_text

    found = read(recording, shown.view)
    paths: tuple[CallPath, ...] = ()
    if shown.paths is not None:
        paths = paths_to(recording, shown.paths)
        if not paths:
            raise UsageError(f"--paths {shown.paths}: {_no_such_function(shown.paths, found)}")
    for path, form in shown.files:
        write_whole(path, written(recording, form, origin))
        saying(invocation)(f"wrote {path}")
    values: dict[str, object] = {"profile": asdict(found)}
    if paths:
        values["paths"] = [asdict(path) for path in paths]
    return profile_text(found, top=shown.top, paths=paths), values


def _no_such_function(pattern: str, found: "Profile") -> str:
    from difflib import get_close_matches

    names = [hot.function.name for hot in found.hotspots]
    near = get_close_matches(pattern, names, n=3, cutoff=0.4) or names[:3]
    return f"no function in the profile is called so; there is {', '.join(near)}"


def opened(invocation: Invocation, file: Path, shown: Shown) -> ExitCode:
    """Show a profile that was saved; nothing runs."""
    from perfkit.profiling.saved import load

    shown.check()
    saved = load(file)
    text, values = show(invocation, saved.recording, shown, origin=saved.origin)
    return invocation.finish(ExitCode.PASSED, text=text, values=values)
