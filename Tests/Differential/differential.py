"""Reads the conformance table and random mutations of it with Perch's parser and with llhttp, and compares.

Usage: differential.py [--mutations N] [--seed S] [--round R]. Every difference must belong to a class of `classes.py`; one that
does not is printed with seed, round and bytes, and the exit code is 1. `--round` looks at one mutation alone.
"""

import argparse
import collections
import random
import sys
import time

from classes import CLASSES, classify
from mutations import mutation, pieces
from readings import CutDependence, first_difference, read_by_llhttp, read_by_perch, vectors

BATCH = 5000
SHOWN = 10


def line_end_variants(data: bytes) -> list[bytes]:
    """The input with its last line and head brought to an end; one of the two has a Host that the other may lack."""
    end = b"\n" if data.endswith(b"\r") else b"\r\n"
    return [data + end + b"\r\n", data + end + b"Host: a\r\n\r\n"]


def compare(inputs: list[list[bytes]]):
    """Yields the index of each input that is read differently, with the difference."""
    perch = read_by_perch(inputs)
    whole = [b"".join(cut) for cut in inputs]
    llhttp = [read_by_llhttp(data) for data in whole]
    # llhttp judges each character, Perch each line: where llhttp has refused a line whose end is yet to come, let it come.
    early = [index for index in range(len(inputs)) if llhttp[index].refusal and not perch[index].refusal]
    completed = read_by_perch([[variant] for index in early for variant in line_end_variants(whole[index])])
    for place, index in enumerate(early):
        perch[index].is_refused_at_line_end = all(
            reading.refusal and len(reading.requests) == len(perch[index].requests) for reading in completed[2 * place : 2 * place + 2]
        )
    for index, data in enumerate(whole):
        if perch[index].in_pieces:
            yield index, data, CutDependence(inputs[index], perch[index])
        elif difference := first_difference(data, perch[index], llhttp[index]):
            yield index, data, difference


class Tally:
    def __init__(self):
        self.compared = 0
        self.classes = collections.Counter()
        self.unclassified = []

    def add(self, label, inputs):
        self.compared += len(inputs)
        for index, data, difference in compare(inputs):
            name = None if isinstance(difference, CutDependence) else classify(difference)
            if name is None:
                self.unclassified.append((label(index), data, difference))
            else:
                self.classes[name] += 1

    def report(self):
        alike = self.compared - self.classes.total() - len(self.unclassified)
        print(f"{self.compared} inputs, {alike} read alike")
        for name, reason, _ in CLASSES:
            print(f"{self.classes[name]:8} {name}: {reason}")
        for label, data, difference in self.unclassified[:SHOWN]:
            print(f"\nUNCLASSIFIED {label}\n  bytes  {data!r}")
            for key, value in vars(difference).items():
                print(f"  {key}: {value!r}")
        print(f"{len(self.unclassified)} unclassified differences")


def run(mutations: int, seed: int, only_round: int | None = None) -> Tally:
    table = vectors()
    all_bytes = [vector["bytes"].encode("latin-1") for vector in table]
    tally = Tally()
    if only_round is None:
        tally.add(lambda index: f"vector {table[index]['name']!r}", [[data] for data in all_bytes])
        rounds = range(mutations)
    else:
        rounds = range(only_round, only_round + 1)
    for begin in range(rounds.start, rounds.stop, BATCH):
        batch = range(begin, min(begin + BATCH, rounds.stop))
        inputs = [pieces(mutation(all_bytes, seed, round_), seed, round_) for round_ in batch]
        tally.add(lambda index: f"seed {seed}, round {batch[index]}", inputs)
    return tally


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--round", type=int)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    begun = time.monotonic()
    tally = run(arguments.mutations, arguments.seed, arguments.round)
    tally.report()
    print(f"{time.monotonic() - begun:.1f} s")
    sys.exit(1 if tally.unclassified else 0)
