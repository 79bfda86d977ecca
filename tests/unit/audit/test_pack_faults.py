"""What is told of a pack that does not verify: each thing once, in words, and no flood from one file."""

from audit.pack.faults import MOST_OF_ONE_FILE, Fault, Faults, Wrong


def test_a_file_that_two_checks_cannot_read_is_told_of_once_and_in_words() -> None:
    faults = Faults()
    for _ in range(2):
        with faults.reading("chain.jsonl"):
            raise Wrong("cannot be unpacked")
    assert list(faults.told()) == [Fault("chain.jsonl", "cannot be unpacked")]


def test_of_one_file_only_so_much_is_told_and_then_how_much_more() -> None:
    faults = Faults()
    for number in range(MOST_OF_ONE_FILE + 3):
        faults.add("events.jsonl", f"line {number} is not in the chain")
    told = list(faults.told())
    assert len(told) == MOST_OF_ONE_FILE + 1
    assert told[-1] == Fault("events.jsonl", "and 3 more")
