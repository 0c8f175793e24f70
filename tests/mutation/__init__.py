"""Mutation testing of the rules and the joins they share, by hand; see tests/README.md.

Needs cosmic-ray, which the tests themselves do not: `.venv/bin/pip install "cosmic-ray==8.7.*"`.
"""
