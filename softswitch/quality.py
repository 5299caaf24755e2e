"""How good a call sounds, as people would say: the E-model of ITU-T G.107 (06/2015), narrowband. Pure.

Delay and loss go in, a transmission rating R comes out, and from it a mean opinion
score. Whatever an IP network does not change has G.107's default value (its table 1): R is 93.2 then. What it does
change: the delay (T, Ta, Tr, which echo makes worse) and the packet loss, with the codec's Ie and Bpl of G.113
Appendix I.

Used by the call records, the metrics, the ladder, and the gateway's summary.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from media import StreamStatistics

SLR_DB, RLR_DB = 8.0, 2.0
STMR_DB = 15.0
LSTR_DB = 18.0
D_SENDER = D_RECEIVER = 3.0
TELR_DB = 65.0
WEPL_DB = 110.0
QDU = 1.0
NC_DBM0P = -70.0
NFOR_DBMP = -64.0
PS_DBA = PR_DBA = 35.0
BEST_MOS, WORST_MOS = 4.5, 1.0
PACKET_MS = 20


@dataclass(frozen=True, slots=True)
class Codec:
    """Equipment impairment without loss (Ie) and robustness against loss (Bpl), G.113 Appendix I."""

    ie: float
    bpl: float


G711 = Codec(0.0, 25.1)
"""With the loss concealment of G.711 Appendix I, as ours is."""
G711_BARE = Codec(0.0, 4.3)


def mos(loss_share: float, delay_ms: float, codec: Codec = G711, *, burst_ratio: float = 1.0) -> float:
    """Mean opinion score, 1.0 to 4.5, for `loss_share` (0..1) and one-way `delay_ms`.

    `burst_ratio` is 1 where losses are independent, more where they come in bursts.
    """
    return score(rating(loss_share, delay_ms, codec, burst_ratio=burst_ratio))


def opinion(heard: StreamStatistics, missing: int = 0) -> float:
    """The score of what one end heard: delay of network, packet and jitter buffer, lost and late packets.

    `missing` packets were due after the last that came, which the stream itself can't know.
    """
    delay_ms = (heard.round_trip_ms or 0.0) / 2 + PACKET_MS + heard.delay_ms
    due = max(1, heard.packets_received + max(0, heard.packets_lost) + missing)
    gone = max(0, heard.packets_lost) + missing + heard.packets_late
    return mos(min(1.0, gone / due), delay_ms)


def figures(heard: StreamStatistics) -> dict[str, Any]:
    """What a record and an operator's picture keep of one stream; `mos` is None where nothing was heard."""
    return {
        "codec": heard.codec,
        "packets_received": heard.packets_received,
        "packets_sent": heard.packets_sent,
        "packets_lost": heard.packets_lost,
        "packets_late": heard.packets_late,
        "loss": round(heard.loss_share, 4),
        "jitter_ms": round(heard.jitter_ms, 2),
        "round_trip_ms": None if heard.round_trip_ms is None else round(heard.round_trip_ms, 1),
        "remote_lost": heard.remote_lost,
        "remote_jitter_ms": round(heard.remote_jitter_ms, 2),
        "mos": round(opinion(heard), 2) if heard.packets_received else None,
    }


def rating(loss_share: float, delay_ms: float, codec: Codec = G711, *, burst_ratio: float = 1.0) -> float:
    """The transmission rating R = Ro - Is - Id - Ie,eff (G.107 formula 7-1, no advantage factor)."""
    loss_share, delay_ms = min(max(loss_share, 0.0), 1.0), max(0.0, delay_ms)
    impairment = _simultaneous_impairment(delay_ms) + _delay_impairment(delay_ms)
    return _signal_to_noise() - impairment - _equipment_impairment(loss_share, codec, max(1.0, burst_ratio))


def score(rating: float) -> float:
    """MOS of a rating (G.107 Annex B)."""
    if rating <= 0:
        return WORST_MOS
    if rating >= 100:
        return BEST_MOS
    return max(WORST_MOS, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6)


def _equipment_impairment(loss_share: float, codec: Codec, burst_ratio: float) -> float:
    """Ie,eff (7-29)."""
    percent = 100 * loss_share
    return codec.ie + (95 - codec.ie) * percent / (percent / burst_ratio + codec.bpl)


def _delay_impairment(delay_ms: float) -> float:
    """Id = Idte + Idle + Idd (7-17); the round trip is twice the way, and all of it is between the talkers."""
    return _talker_echo(delay_ms) + _listener_echo(2 * delay_ms) + _too_long_delay(delay_ms)


def _talker_echo(delay_ms: float) -> float:
    """Idte (7-18 to 7-22)."""
    residual_db = TELR_DB - 40 * math.log10((1 + delay_ms / 10) / (1 + delay_ms / 150))
    residual_db += 6 * math.exp(-0.3 * delay_ms**2)
    echo = 80 + 2.5 * (residual_db - 14)
    noise = -1.5 * (_noise_db() - RLR_DB)
    half = (noise - echo) / 2
    return (half + math.sqrt(half**2 + 100) - 1) * (1 - math.exp(-delay_ms))


def _listener_echo(round_trip_ms: float) -> float:
    """Idle (7-25, 7-26)."""
    echo: float = 10.5 * (WEPL_DB + 7) * (round_trip_ms + 1) ** -0.25
    half = (_signal_to_noise() - echo) / 2
    return half + math.sqrt(half**2 + 169)


def _too_long_delay(delay_ms: float) -> float:
    """Idd (7-27, 7-28): from 100 ms on, people begin to talk into each other."""
    if delay_ms <= 100:
        return 0.0
    x = math.log2(delay_ms / 100)
    return float(25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2))


@lru_cache(1)
def _noise_db() -> float:
    """No, all noise there is (7-3 to 7-6)."""
    circuit = NC_DBM0P
    sender = PS_DBA - SLR_DB - D_SENDER - 100 + 0.004 * (PS_DBA - (SLR_DB + RLR_DB) - D_SENDER - 14) ** 2
    side = PR_DBA + 10 * math.log10(1 + 10 ** ((10 - LSTR_DB) / 10))
    receiver = RLR_DB - 121 + side + 0.008 * (side - 35) ** 2
    floor = NFOR_DBMP + RLR_DB
    return 10 * math.log10(sum(10 ** (power / 10) for power in (circuit, sender, receiver, floor)))


@lru_cache(1)
def _signal_to_noise() -> float:
    """Ro (7-2)."""
    return 15 - 1.5 * (SLR_DB + _noise_db())


def _simultaneous_impairment(delay_ms: float) -> float:
    """Is = Iolr + Ist + Iq (7-8 to 7-16): loudness, sidetone, quantising."""
    x_olr = SLR_DB + RLR_DB + 0.2 * (64 + _noise_db() - RLR_DB)
    loudness: float = 20 * ((1 + (x_olr / 8) ** 8) ** (1 / 8) - x_olr / 8)
    masked = -10 * math.log10(10 ** (-STMR_DB / 10) + math.exp(-delay_ms / 4) * 10 ** (-TELR_DB / 10))
    sidetone: float = 12 * (1 + ((masked - 13) / 6) ** 8) ** (1 / 8) + 29
    sidetone -= 28 * (1 + ((masked + 1) / 19.4) ** 35) ** (1 / 35)
    sidetone -= 13 * (1 + ((masked - 3) / 33) ** 13) ** (1 / 13)
    q = 37 - 15 * math.log10(QDU)
    g = 1.07 + 0.258 * q + 0.0602 * q**2
    y = (_signal_to_noise() - 100) / 15 + 46 / 8.4 - g / 9
    z = 46 / 30 - g / 40
    return loudness + sidetone + 15 * math.log10(1 + math.pow(10, y) + math.pow(10, z))
