"""The API: every object of the switch at its address, in CarrierX's paths, names and envelopes.

Reading order. One request: `auth` says who calls (`tokens`, `passwords`, `scopes`, `pacing`), `lists` and `filter`
what is asked for, `resources` what happens to it, `errors` what goes wrong. `schemas` is what a declaration can say.
Then the resources, one a file: `core` (CarrierX's core/v2) and `conference` (conference/v2). `app` puts them together,
`serve` makes it heard, `docs` shows it to people.

This package imports FastAPI, which takes half a second: only `listener` is light enough for the start of the switch.
"""
