"""The mediator endpoint: number masking by bindings, and dialouts in two stages.

Reading order: `binding` and `dialout` are what clients ask for; `bindings` finds the one for a call, `ledger` makes and
ends them; `attributes` and `masking` say how a call is put through and what each side may see; `mediator` runs calls,
`dialouts` places them; `record` is what stays, `keeping` what survives a restart.
"""

from softswitch.endpoints.mediator.binding import Binding
from softswitch.endpoints.mediator.bindings import Bindings, Taken
from softswitch.endpoints.mediator.dialout import Dialout, DialoutState
from softswitch.endpoints.mediator.dialouts import InUse
from softswitch.endpoints.mediator.means import Forgetful, Keeper, Means, Ways
from softswitch.endpoints.mediator.mediator import Mediator
from softswitch.endpoints.mediator.record import DialoutFailed, MediationMoved, MediationStarted, MediatorRecord

__all__ = [
    "Binding",
    "Bindings",
    "Dialout",
    "DialoutFailed",
    "DialoutState",
    "Forgetful",
    "InUse",
    "Keeper",
    "Means",
    "MediationMoved",
    "MediationStarted",
    "Mediator",
    "MediatorRecord",
    "Taken",
    "Ways",
]
