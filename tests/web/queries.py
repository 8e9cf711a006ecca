"""How many queries each page costs, whatever the number of patients. A change of a number is a decision."""

QUERIES = {
    "worklist": 27,
    "patient": 45,
    "why": 18,
    "results": 15,
    "search": 10,
    "inbox": 9,
}
