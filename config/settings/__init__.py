"""One module per place of use: `dev` (also the demo), `prod`, `test`; `base` is what they share."""
