"""The commands, a module a group: what each takes, and what it says."""
