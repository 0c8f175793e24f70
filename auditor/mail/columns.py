"""Plain text in columns: wrapped lines, and a label with its figure at the right."""

import textwrap

WIDTH = 74


def wrapped(text: str, indent: int = 0, hang: int = 0) -> str:
    """The text in lines of at most 74 characters; words that are longer stay whole."""
    return "\n".join(
        textwrap.wrap(
            text,
            WIDTH,
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + hang),
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def beside(label: str, *figures: str, width: int = 14) -> str:
    """A label, and its figures at the right end of the line; a long label takes more lines."""
    right = "".join(f"{figure:>{width}}" for figure in figures)
    lines = textwrap.wrap(label, WIDTH - len(right) - 2, break_long_words=False) or [""]
    lines[-1] = f"{lines[-1]:<{WIDTH - len(right)}}{right}"
    return "\n  ".join(lines)
