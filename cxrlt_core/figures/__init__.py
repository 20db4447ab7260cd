"""The pictures of a study, one a file: ``draw`` and ``caption`` of the same records, which are its CSV.

Records are flat: a line of the CSV each. What a study does not have is None or absent; no picture is drawn of
nothing, which the caller sees to.
"""
