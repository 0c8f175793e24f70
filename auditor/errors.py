"""The one exception that people see."""


class AuditError(Exception):
    """The run can't go on; the message is one line that says what is wrong and the way out.

    A message names file, sheet, row and column; it never quotes a value that could
    identify a patient. ``exit_code`` is 1 (could not finish) or 2 (wrong usage).
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class EmptyTableError(AuditError):
    """A table with these header cells and no lines; without cells it is not surely the export."""

    def __init__(self, message: str, header: tuple[str, ...]) -> None:
        super().__init__(message)
        self.header = header
