"""Findings to a report: the page, the workbook and the data files."""
