"""`/switch/v1`: the switch itself, for operators; no part of CarrierX. One file a resource."""
