"""The two machines of a conference as tables: what an attendee goes through, and what a meeting goes through."""

from enum import StrEnum

from softswitch.call import Table


class AttendeeState(StrEnum):
    ANSWERING = "answering"
    WELCOME = "welcome"
    ENTERING_CODE = "entering code"
    CHECKING = "checking"
    ENTERING = "entering"
    WAITING = "waiting"
    TALKING = "talking"
    ON_HOLD = "on hold"
    LEAVING = "leaving"
    GONE = "gone"


class AttendeeTrigger(StrEnum):
    ANSWERED = "answered"
    CODE_WANTED = "a code is wanted"
    NO_CODE_WANTED = "the flow leads straight in"
    CODE_GIVEN = "a code was given"
    WRONG_CODE = "wrong code"
    RIGHT_CODE = "right code"
    NOT_STARTED = "the meeting has not started"
    LET_IN = "let in"
    PUT_ON_HOLD = "put on hold"
    TAKEN_OFF_HOLD = "taken off hold"
    MOVED = "moved to another room"
    SENT_AWAY = "sent away"
    LEFT = "left"


class MeetingState(StrEnum):
    WAITING = "waiting"
    LIVE = "live"
    STOPPING = "stopping"
    CLOSING = "closing"
    ENDED = "ended"


class MeetingTrigger(StrEnum):
    START_RULE_MET = "start rule met"
    STOP_RULE_MET = "stop rule met"
    STOP_RULE_UNDONE = "stop rule undone"
    TIME_IS_UP = "time is up"
    ENDED_ON_REQUEST = "ended on request"
    EMPTY = "nobody is left"


_A, _T = AttendeeState, AttendeeTrigger

ATTENDEE_TABLE = Table(
    "attendee",
    _A.ANSWERING,
    {
        _A.ANSWERING: {_T.ANSWERED: _A.WELCOME, _T.LEFT: _A.GONE},
        _A.WELCOME: {
            _T.CODE_WANTED: _A.ENTERING_CODE,
            _T.NO_CODE_WANTED: _A.ENTERING,
            _T.LEFT: _A.GONE,
        },
        _A.ENTERING_CODE: {_T.CODE_GIVEN: _A.CHECKING, _T.LEFT: _A.GONE},
        _A.CHECKING: {
            _T.WRONG_CODE: _A.ENTERING_CODE,
            _T.RIGHT_CODE: _A.ENTERING,
            _T.SENT_AWAY: _A.LEAVING,
            _T.LEFT: _A.GONE,
        },
        _A.ENTERING: {
            _T.NOT_STARTED: _A.WAITING,
            _T.LET_IN: _A.TALKING,
            _T.PUT_ON_HOLD: _A.ON_HOLD,
            _T.SENT_AWAY: _A.LEAVING,
            _T.LEFT: _A.GONE,
        },
        _A.WAITING: {
            _T.LET_IN: _A.TALKING,
            _T.PUT_ON_HOLD: _A.ON_HOLD,
            _T.MOVED: _A.ENTERING,
            _T.SENT_AWAY: _A.LEAVING,
            _T.LEFT: _A.GONE,
        },
        _A.TALKING: {
            _T.PUT_ON_HOLD: _A.ON_HOLD,
            _T.MOVED: _A.ENTERING,
            _T.SENT_AWAY: _A.LEAVING,
            _T.LEFT: _A.GONE,
        },
        _A.ON_HOLD: {
            _T.TAKEN_OFF_HOLD: _A.TALKING,
            _T.MOVED: _A.ENTERING,
            _T.SENT_AWAY: _A.LEAVING,
            _T.LEFT: _A.GONE,
        },
        _A.LEAVING: {_T.LEFT: _A.GONE},
    },
)

_M, _U = MeetingState, MeetingTrigger

MEETING_TABLE = Table(
    "meeting",
    _M.WAITING,
    {
        _M.WAITING: {_U.START_RULE_MET: _M.LIVE, _U.ENDED_ON_REQUEST: _M.CLOSING, _U.EMPTY: _M.ENDED},
        _M.LIVE: {_U.STOP_RULE_MET: _M.STOPPING, _U.ENDED_ON_REQUEST: _M.CLOSING},
        _M.STOPPING: {
            _U.STOP_RULE_UNDONE: _M.LIVE,
            _U.TIME_IS_UP: _M.CLOSING,
            _U.ENDED_ON_REQUEST: _M.CLOSING,
        },
        _M.CLOSING: {_U.EMPTY: _M.ENDED},
    },
)
