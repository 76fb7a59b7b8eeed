"""Cancels plain calls from another thread; with asyncio, a task is cancelled instead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .errors import cancelled


class Cancellation:
    """Passed to any number of calls: :meth:`cancel` ends all of them with the reason CANCELLED."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._calls: set[Callable[[], object]] = set()

    def cancel(self) -> None:
        with self._lock:
            self._event.set()
            calls = tuple(self._calls)
        for cancel in calls:
            cancel()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def sleep(self, seconds: float) -> None:
        """Raises CANCELLED when cancelled before or within the time."""
        if self._event.wait(seconds):
            raise cancelled()

    @contextmanager
    def cancels(self, call: Callable[[], object]) -> Iterator[None]:
        """Within the block, :meth:`cancel` ends the call, too."""
        with self._lock:
            self._calls.add(call)
        try:
            if self._event.is_set():
                call()
            yield
        finally:
            with self._lock:
                self._calls.discard(call)
