"""How many queries each page costs, whatever the number of patients. A change of a number is a decision."""

QUERIES = {
    "worklist": 32,
    "patient": 55,
    "why": 21,
    "results": 18,
    "search": 12,
    "inbox": 11,
    "visit": 23,
    "coverage": 29,
    "pathway": 35,
}
