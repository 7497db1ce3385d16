from threading import Thread
from time import monotonic, sleep

from store.turnstile import Turnstile, turnstile


def test_who_came_first_is_let_in_first() -> None:
    one, order = Turnstile(), list[int]()
    assert one.enter(0)

    def pass_through(number: int) -> None:
        assert one.enter(60)
        order.append(number)
        one.leave()

    threads = [Thread(target=pass_through, args=(number,)) for number in range(5)]
    for number, thread in enumerate(threads):
        thread.start()
        while len(one._waiting) <= number:
            sleep(0.001)
    one.leave()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4] and one.enter(0)


def test_who_waited_long_enough_goes_away() -> None:
    one, began = Turnstile(), monotonic()
    assert one.enter(0) and not one.enter(0.05) and monotonic() - began >= 0.05
    one.leave()
    assert one.enter(0)


def test_a_file_has_one_turnstile_while_somebody_has_it_in_hand() -> None:
    one = turnstile("/a/file")
    assert turnstile("/a/file") is one and turnstile("/another") is not one
