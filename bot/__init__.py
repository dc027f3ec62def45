"""The chat side: front ends, intake, admission, delivery. No torch in here."""
