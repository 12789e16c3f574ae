"""JSON that is written while its rows are still being made."""

import json

import pytest

from scoring.json_pieces import json_pieces


def test_rows_are_written_as_they_are_made():
    made = []

    def rows():
        for number in range(3):
            made.append(number)
            yield {"row": number, "cells": [number, "é", None]}

    document = {"unit": "Wh", "groups": iter([{"name": "a", "rows": rows()}]), "none": iter(())}
    pieces = []
    for piece in json_pieces(document):
        pieces.append(piece)
        assert len(made) - "".join(pieces).count('"row"') <= 1
    assert json.loads("".join(pieces)) == {
        "unit": "Wh",
        "groups": [
            {"name": "a", "rows": [{"row": n, "cells": [n, "é", None]} for n in range(3)]},
        ],
        "none": [],
    }
    with pytest.raises(ValueError, match="not JSON compliant"):
        list(json_pieces({"rows": iter([float("inf")])}))
