"""An upload is forgotten after 15 minutes without use, though its page stays open.

Enters: which sessions hold one and when they were used. One timer of the process wakes when the oldest is due.
Forgetting empties a session on the server: its state, files, tables and downloads. What the browser shows stays there.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

LIMIT_SECONDS: Final = 15 * 60


class Idle:
    """The sessions that hold an upload. Safe to call from any thread."""

    def __init__(self, forget: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        """forget: empties the session of an id. clock: seconds."""
        self._forget, self._clock = forget, clock
        self._used: dict[str, float] = {}
        self._forgotten: set[str] = set()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def hold(self, session: str) -> None:
        """A session holds an upload, and is used now."""
        with self._lock:
            self._used[session] = self._clock()
            self._forgotten.discard(session)
            self._wake_later()

    def use(self, session: str) -> None:
        """A session is used now, whatever page it shows; others that are due are forgotten."""
        with self._lock:
            if session in self._used:
                self._used[session] = self._clock()
        self.sweep()

    def sweep(self) -> None:
        """Forget what was held for too long without use."""
        with self._lock:
            due = [session for session, used in self._used.items() if self._clock() - used >= LIMIT_SECONDS]
            for session in due:
                del self._used[session]
                self._forgotten.add(session)
            self._wake_later()
        for session in due:
            self._forget(session)

    def was_forgotten(self, session: str) -> bool:
        """Whether a session's upload was forgotten; said once."""
        with self._lock:
            said = session in self._forgotten
            self._forgotten.discard(session)
            return said

    def _wake_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._used:
            due = min(self._used.values()) + LIMIT_SECONDS - self._clock()
            self._timer = threading.Timer(max(due, 1.0), self.sweep)
            self._timer.daemon = True
            self._timer.start()


def forget_session(session_id: str) -> None:
    """Empty a session of everything that came from an upload."""
    if not exists():
        return
    runtime = get_instance()
    runtime.uploaded_file_mgr.remove_session_files(session_id)
    runtime.media_file_mgr.clear_session_refs(session_id)
    runtime.media_file_mgr.remove_orphaned_files()
    runtime.dataframe_source_mgr.clear_all_for_session(session_id)
    session = runtime.get_app_session(session_id)
    if session is not None:
        session.session_state.clear()
        session._client_state.Clear()
        session._fragment_storage.clear()
        session.clear_session_caches()


IDLE: Final = Idle(forget_session)
"""The sessions of this process."""


def session_id() -> str:
    """The session whose page is being drawn; "" where there is none."""
    context = get_script_run_ctx(suppress_warning=True)
    return "" if context is None else context.session_id
