"""What somebody hears who waits for an answer and whose own phone makes no ringing, because it hears us already."""

from media import Tone

RINGBACK = Tone((((440.0, 480.0), 2000, 4000),))
"""As in North America: two seconds on, four off."""
