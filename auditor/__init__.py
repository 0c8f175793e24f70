"""Audits cardiac CT and FFR-CT claim lines."""
