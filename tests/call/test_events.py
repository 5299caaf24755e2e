"""The fan-out of events."""

from softswitch.call import CallAnswered, CallMoved, Event, Events

MOVED = CallMoved("7f3a", 1.0, "new", "welcome", "answered")


def test_every_subscriber_hears_an_event_before_publish_returns() -> None:
    events, first, second = Events(), list[Event](), list[Event]()
    events.subscribe(first.append)
    events.subscribe(second.append)
    events.publish(MOVED)
    assert first == second == [MOVED]


def test_who_unsubscribes_hears_nothing_more() -> None:
    events, heard = Events(), list[Event]()
    unsubscribe = events.subscribe(heard.append)
    unsubscribe()
    events.publish(MOVED)
    assert heard == []
    assert not events


def test_a_subscriber_may_unsubscribe_while_it_is_told() -> None:
    events, heard = Events(), list[Event]()

    def once(event: Event) -> None:
        heard.append(event)
        unsubscribe()

    unsubscribe = events.subscribe(once)
    events.subscribe(heard.append)
    events.publish(MOVED)
    events.publish(MOVED)
    assert len(heard) == 3


def test_events_are_false_while_nobody_listens() -> None:
    events = Events()
    assert not events
    events.subscribe(lambda _event: None)
    assert events


def test_who_names_kinds_hears_of_these_alone_and_others_need_not_be_built() -> None:
    events, heard = Events(), list[Event]()
    unsubscribe = events.subscribe(heard.append, CallAnswered)
    assert (CallAnswered in events, CallMoved in events) == (True, False)
    events.publish(MOVED)
    events.publish(answered := CallAnswered("7f3a", 2.0, 0.5))
    assert heard == [answered]
    events.subscribe(heard.append)
    assert CallMoved in events
    unsubscribe()
    events.publish(MOVED)
    assert heard == [answered, MOVED]
