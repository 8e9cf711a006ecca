"""Questions: what finds and arranges, and changes nothing."""
