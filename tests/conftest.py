"""What holds for every test."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that hold figures against the machine's clock get three tries.

    A machine that halts a process for a moment at the edge of a window spoils a true figure; a
    figure that is wrong stays wrong.
    """
    for item in items:
        if item.get_closest_marker("wall_clock"):
            item.add_marker(pytest.mark.flaky(reruns=2, only_rerun=["AssertionError"]))
