"""How many queries each page costs, whatever the number of patients. A change of a number is a decision."""

QUERIES = {
    "worklist": 36,
    "patient": 57,
    "why": 23,
    "results": 20,
    "search": 14,
    "inbox": 13,
    "visit": 25,
    "coverage": 31,
    "pathway": 37,
}
