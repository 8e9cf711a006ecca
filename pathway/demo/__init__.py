"""The demo clinic: invented people whose courses are played through flow with a simulated clock.

What they are like is in `fixtures/demo/`, read by `casting`; how their values go is in `courses`,
what is seen at a contact in `results`, how a contact goes in `contacts`; `player` plays one patient's
months, `accounts` makes the people who work there, `clinic` puts it all together. `bulk` makes
many fresh patients by SQL for benchmarks.
"""
