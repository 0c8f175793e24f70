"""Worker processes forked from this one: each begins with all that it knows, and hands back little.

What the work needs is inherited, never sent: claim lines and findings travel through files, and
over the pipes between processes go places, counts and summaries alone.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

import pyarrow as pa

from auditor.allocation import keep_freed_memory
from auditor.errors import AuditError

P = ParamSpec("P")
T = TypeVar("T")

_PATIENCE = 5.0

_known: Any = None


def known() -> Any:
    """What the workers of this process were told to know."""
    return _known


@contextmanager
def workers(count: int, knows: object) -> Iterator[Executor]:
    """Workers that end with the block, however it ends; ``known()`` gives them ``knows``.

    Where a process can't be forked soundly, the work is done in this one. Raises AuditError when
    a worker is ended from outside.
    """
    global _known
    _known = knows
    try:
        if sys.platform == "linux":
            with _forked(count) as pool:
                yield pool
        else:
            yield _Here()
    finally:
        _known = None


@contextmanager
def _forked(count: int) -> Iterator[Executor]:
    before, threads = set(multiprocessing.active_children()), set(threading.enumerate())
    pool = ProcessPoolExecutor(
        count, mp_context=multiprocessing.get_context("fork"), initializer=_begin
    )
    try:
        yield pool
        pool.shutdown()
    except BrokenProcessPool as fault:
        raise AuditError(
            "a worker process was ended from outside, most likely for want of memory; give a "
            "smaller --memory, so that buckets become smaller"
        ) from fault
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        # Python's end would speak to the pool's thread, and fail where that is closing its pipe.
        for thread in set(threading.enumerate()) - threads:
            if not thread.daemon:
                thread.join(_PATIENCE)


def _begin() -> None:
    """A worker leaves interrupts to its parent, keeps to one core, and ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    keep_freed_memory()
    pa.set_cpu_count(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


class _Here(Executor):
    """Does at once what it is given."""

    def submit(self, task: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        done: Future[T] = Future()
        done.set_result(task(*args, **kwargs))
        return done
