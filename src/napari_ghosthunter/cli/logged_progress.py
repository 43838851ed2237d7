"""Progress as lines of a log, where nobody sees a bar."""

from __future__ import annotations

from typing import Any

from rich.progress import Progress, TaskID

from napari_ghosthunter.cli.console import hint

LOG_EVERY_S = 60.0  # where nobody sees a bar, a line of progress this often: so a short run says nothing


class LoggedProgress(Progress):
    """Progress as lines of a log."""

    _told_at: float | None = None

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """Take what has changed, and tell it if the last line is old enough."""
        super().update(task_id, **changes)
        task, now = self.tasks[0], self.get_time()
        last = task.start_time if self._told_at is None else self._told_at
        if last is not None and now - last >= LOG_EVERY_S:
            self._told_at = now
            far = "" if task.total is None else f"{task.percentage:.0f} % "
            hint(f"{task.description}: {far}{task.fields['note']}")
