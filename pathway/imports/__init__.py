"""Files from elsewhere played into the river: a conductor that drives `flow`, as `replay` does.

Whole files in or out is in `importing`, the play of visits in `visits`, single results in
`results`, the comparison with what is stored in `known`, what is shown afterwards in `histories`.
"""
