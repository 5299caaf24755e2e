"""A SIP stack of its own (RFC 3261): it knows messages, transactions, dialogs and sessions, and nothing of calls."""
