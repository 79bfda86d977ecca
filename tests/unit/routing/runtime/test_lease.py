"""The lease and the pauses between tries."""

from routing.runtime.backoff import delay
from routing.runtime.lease import Contact


def test_contact_ages_until_it_is_renewed() -> None:
    now = [100.0]
    contact = Contact(lambda: now[0])
    assert (contact.age(), contact.ever) == (0.0, False)
    now[0] = 130.0
    assert contact.age() == 30.0
    contact.renew()
    assert (contact.age(), contact.ever) == (0.0, True)


def test_the_first_retry_is_quick_and_the_later_ones_are_spread() -> None:
    first = [delay(1) for _ in range(200)]
    assert 0.05 <= min(first) < max(first) <= 0.25
    late = [delay(50) for _ in range(200)]
    assert 2.5 <= min(late) < max(late) <= 5.0
    assert max(late) - min(late) > 1.5
