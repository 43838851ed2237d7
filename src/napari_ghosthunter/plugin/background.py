"""Work beside the window: one thread for each kind of reading, of which only the newest request counts.

napari's own workers wait a timer tick before they start and touch the warning filters of the whole process, which is
nothing for a training run and too much for a hover. The work is a generator here too, left between two steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from qtpy.QtCore import QObject, Qt

from napari_ghosthunter.errors import GhostHunterError
from napari_ghosthunter.plugin.qt import Signal

T = TypeVar("T")
Steps = Callable[[], Iterator[T]]


class Request:
    """One piece of work: what to do in the thread, and what with its steps in the window."""

    def __init__(
        self,
        steps: Steps[Any],
        on_step: Callable[[Any], object],
        on_error: Callable[[str], object],
        on_end: Callable[[], object],
        on_bug: Callable[[BaseException], object],
    ) -> None:
        self.steps, self.on_step, self.on_error, self.on_end, self.on_bug = steps, on_step, on_error, on_end, on_bug
        self.dropped = False


class Background(QObject):
    """Runs one request at a time in a thread; a newer one takes its place."""

    _stepped = Signal(object, object)
    _ended = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self._pool: ThreadPoolExecutor | None = None
        self._running: Request | None = None
        self._waiting: Request | None = None
        # queued: a future that is done already calls back in this thread, which must not overtake its steps
        self._stepped.connect(self._take_step, Qt.ConnectionType.QueuedConnection)
        self._ended.connect(self._take_end, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._running is not None and not (self._running.dropped and self._waiting is None)

    def start(
        self,
        steps: Steps[T],
        on_step: Callable[[T], object],
        on_error: Callable[[str], object],
        on_end: Callable[[], object] = lambda: None,
        *,
        on_bug: Callable[[BaseException], object] = lambda _: None,
        finish_running: bool = False,
    ) -> None:
        """Ask for work.

        Parameters
        ----------
        steps
            Makes the generator that runs in the thread.
        on_step
            Called in the window with each value that it yields.
        on_error
            Called in the window with what a user can be told; other errors are raised there.
        on_end
            Called in the window once, after the last step, if no error came and nothing newer was asked for.
        on_bug
            Called in the window with an error that is no user's, just before it is raised there.
        finish_running
            Whether a request that already runs may still answer: while a hover moves on, the last pattern but one is
            better than none.
        """
        if not finish_running:
            self.stop()
        self._waiting = Request(steps, on_step, on_error, on_end, on_bug)
        if self._running is None:
            self._next()

    def stop(self) -> None:
        """Drop all requests; nothing is called any more, and the thread comes to rest after its present step."""
        self._waiting = None
        if self._running is not None:
            self._running.dropped = True

    def close(self) -> None:
        """Stop, and let the thread go."""
        self.stop()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
            self._running = None

    def _next(self) -> None:
        request, self._running, self._waiting = self._waiting, self._waiting, None
        if request is None:
            return
        self._pool = self._pool or ThreadPoolExecutor(1, thread_name_prefix="ghosthunter-view")
        future = self._pool.submit(self._run, request)
        future.add_done_callback(lambda done: self._ended.emit(request, done))

    def _run(self, request: Request) -> None:
        """Take the steps; in the thread."""
        for value in request.steps():
            if request.dropped:
                return
            self._stepped.emit(request, value)

    def _take_step(self, request: Request, value: Any) -> None:
        if not request.dropped:
            request.on_step(value)

    def _take_end(self, request: Request, future: Future[None]) -> None:
        if request is not self._running:  # closed meanwhile
            return
        self._next()
        if request.dropped or future.cancelled():
            return
        error = future.exception()
        if isinstance(error, (GhostHunterError, OSError)):
            request.on_error(str(error))
        elif error is not None:
            request.on_bug(error)
            raise error
        else:
            request.on_end()
