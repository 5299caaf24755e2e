"""`/core/v2`: what the switch is made of. One resource a file; `RESOURCES` is all of them."""
