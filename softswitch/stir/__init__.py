"""STIR/SHAKEN: a signed statement of who calls whom, in the Identity header (RFC 8224, RFC 8225, RFC 8588).

Reading order: `passport` is the statement and its wire forms, pure; `chain` says whether a certificate can be trusted,
pure; `signing` makes statements, `fetching` gets the certificates of others, `verifying` judges what comes in.
"""

from softswitch.stir.passport import Attestation, Passport
from softswitch.stir.signing import Signer
from softswitch.stir.verifying import Verdict, Verifier, Verstat

__all__ = ["Attestation", "Passport", "Signer", "Verdict", "Verifier", "Verstat"]
