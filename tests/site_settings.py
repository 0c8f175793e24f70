"""What settings of invented sites share; standard library alone, for commands that measure."""

INBOXES = """
[[night.inboxes]]
name = "hospital"
folder = "inbox/hospital"
files = ["*.csv"]

[[night.inboxes]]
name = "physicians"
folder = "inbox/physicians"
files = ["*.csv"]
"""
