"""What may be told of a fault that nobody foresaw: its kind and place, not its words.

The words of such a fault could quote a cell of an export.
"""

import sysconfig
import traceback
from pathlib import Path


def place_of(fault: BaseException) -> str:
    """Kind of a fault and where it arose, without its words; a library's depths say nothing."""
    frames = traceback.extract_tb(fault.__traceback__)
    own = [frame for frame in frames if _is_ours(frame.filename)] or frames
    where = f" in {Path(own[-1].filename).name}, line {own[-1].lineno}" if own else ""
    return f"{type(fault).__name__}{where}"


def _is_ours(file: str) -> bool:
    """Whether a file is the program's, or a rule of somebody's own, and no library's."""
    parts = Path(file).parts
    return "auditor" in parts or not (
        "site-packages" in parts or file.startswith((sysconfig.get_path("stdlib"), "<"))
    )


def way_to(fault: BaseException) -> str:
    """The calls that led to a fault, a line each, for its makers."""
    frames = traceback.extract_tb(fault.__traceback__)
    return "".join(f"  {frame.filename}:{frame.lineno} in {frame.name}\n" for frame in frames)
