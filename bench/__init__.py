"""Benchmarks: the product beside the same rows written by plain SQL, in one run. `python -m bench --help` tells how.

`originals` are patients with a history that the product itself played; `copies` fill a database with them by SQL;
`footprints` says which rows an action wrote; `floor` writes the same rows for another copy with nothing in between;
`measuring` takes turns with both and `reports` keeps the figures.
"""
