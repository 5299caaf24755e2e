"""The PSTN gateway simulator: places calls to a switch and takes calls from one, and hears how they sound.

A product of its own: a second user of `softswitch.sip` and `media`, which knows nothing of the switch's calls,
endpoints or plan. What it says of a call is therefore what a stranger would say.

Reading order: order (what a caller is to do) -> caller (one call out) -> campaign (many) -> scenario, answering (calls
in) -> hearing (as a call lasts) -> quality, report, show (how it was) -> address, gateway (the whole) -> cli.
"""
