"""A slow restatement of every rule over one patient's lines, to hold the fast rules against.

Written from the text of the rules, in loops over plain objects: nothing here imports pandas or
a module of the rules, so a slip in either shows as a difference. Only the reference CSVs are
shared, and they are read anew.
"""
