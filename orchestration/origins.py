"""What columns are made of, as told between the stages; apart from what finds it out, which loads an SQL parser."""

# Columns by name, each with the (relation, column) pairs it is made of, as the SQL names them. ROWS stands for the rows
# of a relation: what counts them is made of no column of it.
Origins = dict[str, list[tuple[str, str]]]
ROWS = "*"

# Columns by name, and ROWS, each with a digest of what it is computed by.
Logic = dict[str, str]
