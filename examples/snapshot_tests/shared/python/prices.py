"""What the shop's functions share: no snapshot changes with it."""

VAT = 0.19
