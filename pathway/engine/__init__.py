"""The part that thinks: no Django, no clock, no database.

Everything here is a function of its arguments. A patient is a `Chart`, a question to the
chart is a `Reading`, a judged rule is a `Judgement`.
"""
