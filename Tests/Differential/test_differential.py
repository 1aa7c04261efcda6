"""The short form of the differential test; `make differential` runs the long one with a fresh seed."""

import os

from classes import CLASSES
from differential import run

MUTATIONS = int(os.environ.get("MUTATIONS", "4000"))
SEED = int(os.environ.get("SEED", "20261121"))


def test_every_difference_from_llhttp_has_a_class():
    print(f"seed {SEED}")
    tally = run(MUTATIONS, SEED)
    tally.report()
    assert not tally.unclassified


def test_every_class_is_shown_by_a_vector():
    tally = run(0, SEED)
    assert not [name for name, _, _ in CLASSES if not tally.classes[name]]
