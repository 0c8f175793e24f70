"""Readers of the publishers' own files, one module a kind."""
