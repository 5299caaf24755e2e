"""The four transaction machines of RFC 3261 §17 with the Accepted states of RFC 6026, pure, as tables.

`layer` finds the machine a message belongs to; each machine is one file: a table of (state, event) -> next state and
actions. A move returns its effects as values (`Send`, `Deliver`, `StartTimer`, …) and the stack carries them out.
"""
