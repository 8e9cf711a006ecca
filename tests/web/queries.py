"""How many queries each page costs, whatever the number of patients. A change of a number is a decision."""

QUERIES = {
    "worklist": 28,
    "patient": 52,
    "why": 18,
    "results": 15,
    "search": 10,
    "inbox": 9,
    "visit": 20,
    "coverage": 28,
    "pathway": 34,
}
