"""Days on which a site works, due days that move off the others, ladders of a site, and calendar feeds."""
