"""Ways on which a delivery reaches its person, one module per channel."""
