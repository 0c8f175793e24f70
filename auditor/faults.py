"""What may be told of a fault that nobody foresaw: its kind and place, not its words.

The words of such a fault could quote a cell of an export.
"""

import traceback
from pathlib import Path


def place_of(fault: BaseException) -> str:
    """Kind of a fault and where it arose, without its words."""
    frames = traceback.extract_tb(fault.__traceback__)
    own = [frame for frame in frames if "auditor" in Path(frame.filename).parts] or frames
    where = f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
    return f"{type(fault).__name__}{where}"


def way_to(fault: BaseException) -> str:
    """The calls that led to a fault, a line each, for its makers."""
    frames = traceback.extract_tb(fault.__traceback__)
    return "".join(f"  {frame.filename}:{frame.lineno} in {frame.name}\n" for frame in frames)
