"""Scenarios replayed: one patient's story, played through flow with a simulated clock, and checked.

A feature of the product: whoever edits a pathway writes scenarios for it. Reading is in
`scenarios`, doing in `actions`, checking in `expectations` and `questions`, the play in `stage`.
"""
