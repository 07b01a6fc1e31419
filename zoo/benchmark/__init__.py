"""Networks measured, compared and verified."""
