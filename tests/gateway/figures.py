"""The figures of a good stream; tests change what they are about."""

from media import StreamStatistics

GOOD = StreamStatistics(
    codec="PCMU",
    packets_received=500,
    packets_sent=500,
    packets_lost=0,
    packets_late=0,
    packets_duplicate=0,
    frames_concealed=0,
    jitter_ms=1.0,
    delay_ms=20.0,
    round_trip_ms=10.0,
    remote_lost=0,
    remote_loss_share=0.0,
    remote_jitter_ms=1.0,
    level_db=-20.0,
)
