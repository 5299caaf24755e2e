"""The INVITE session (RFC 3261 §13 to §15 and its extensions), pure: one verb a file.

`session` is the handle its owner holds; `states` is the table of what may follow what; `effects` and `events` are the
words it speaks downwards and upwards. The verbs: incoming · outgoing · offers · reoffer · update · reliable · cancel ·
bye · refresh · info · authorize.
"""
