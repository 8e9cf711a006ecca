"""How many queries each page costs, whatever the number of patients. A change of a number is a decision."""

QUERIES = {
    "worklist": 33,
    "patient": 56,
    "why": 22,
    "results": 19,
    "search": 13,
    "inbox": 12,
    "visit": 24,
    "coverage": 30,
    "pathway": 36,
}
