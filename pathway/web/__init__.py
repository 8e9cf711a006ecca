"""The pages: parse, call, render. Nothing is decided here."""
