"""From an export file to claim lines: finds the table, its columns, and the meaning of cells."""
