"""Tables from elsewhere: a CSV file and a mapping file in, checked entries out.

Reading bytes and lines is in `reading`, the mapping file in `mapping`, what one cell says in
`cells`; `visits` arranges one row per visit into the story of a patient, `results` reads one
result per row.
"""
