"""`/conference/v2`: what an endpoint's own login may see and change of its conference. One resource a file."""
