"""Keys of a telephone, both ways: events in RTP (`events`, RFC 4733) and tones in the audio (`tones`, ITU-T Q.23)."""

DIGITS = "0123456789*#ABCD"  # in the order of their event codes
