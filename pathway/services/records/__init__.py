"""What becomes of whole records: merged, moved to another site, kept by a hold, erased."""
