"""How the process deals with freed memory."""

import ctypes
import os
import sys

import pyarrow as pa

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8
_LARGE = 1 << 30


def keep_freed_memory() -> None:
    """Keeps freed arrays for the next ones, where the C library can be told so (glibc).

    An audit makes and drops thousands of arrays of some megabytes. By default each comes from the
    system and goes back to it, and the system takes longer to clear the pages than the audit to
    fill them. Nor has each thread a store of its own, out of which no other is served. Arrow, which
    would keep one, too, is told to share this one, unless the environment chose another
    (ARROW_DEFAULT_MEMORY_POOL).
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGE)
    mallopt(_M_TRIM_THRESHOLD, 2 * _LARGE)
    mallopt(_M_ARENA_MAX, 1)
    mallopt(_M_TOP_PAD, 1 << 26)
    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        pa.set_memory_pool(pa.system_memory_pool())
