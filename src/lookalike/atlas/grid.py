"""A place of its own for every picture: the map as a grid without overlaps."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lookalike.atlas.reduce import Floats, Places

WINDOW = 20
"""Cells along the side of the squares that are assigned anew, each optimally, to mend what halving tore apart."""
ROUNDS = 4


def assign_grid(positions: Floats) -> tuple[Places, int, int]:
    """Cells (n, 2) int64 (column, row), each used at most once, and the numbers of columns and rows.

    Points are halved along the longer side of their rectangle of cells, again and again (as in a k-d tree). Then the
    least sum of squared distances between cells and positions is sought by the Hungarian method in small overlapping
    squares, one after the other.
    """
    count = len(positions)
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns) if columns else 0
    board = np.full((rows, columns), -1, np.int64)
    _halve(board, np.arange(count), positions)
    targets = positions * np.array([columns, rows])
    for number in range(ROUNDS):
        shift = (0, WINDOW // 3, 2 * WINDOW // 3)[number % 3]
        for top in range(-shift, rows, WINDOW):
            for left in range(-shift, columns, WINDOW):
                _assign_best(board, max(left, 0), max(top, 0), left + WINDOW, top + WINDOW, targets)
    cells = np.zeros((count, 2), np.int64)
    row, column = np.nonzero(board >= 0)
    cells[board[row, column]] = np.stack([column, row], axis=1)
    return cells, columns, rows


def _halve(board: Places, members: Places, positions: Floats) -> None:
    """Fill a part of the board with as many members as it has cells, or fewer."""
    if not len(members):
        return
    rows, columns = board.shape
    if rows * columns == 1:
        board[0, 0] = members[0]
        return
    if columns >= rows:
        axis, near, parts = 0, columns // 2, (board[:, : columns // 2], board[:, columns // 2 :])
    else:
        axis, near, parts = 1, rows // 2, (board[: rows // 2], board[rows // 2 :])
    share = near / (columns if axis == 0 else rows)
    ordered = members[np.argsort(positions[members, axis], kind="stable")]
    first = min(max(round(len(members) * share), len(members) - parts[1].size), parts[0].size)
    _halve(parts[0], ordered[:first], positions)
    _halve(parts[1], ordered[first:], positions)


def _assign_best(board: Places, left: int, top: int, right: int, bottom: int, targets: NDArray[np.floating]) -> None:
    """Put the pictures of a rectangle of the board into those of its cells that are best for all together."""
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

    window = board[top:bottom, left:right]
    row, column = np.indices(window.shape).reshape(2, -1)
    members = window[window >= 0]
    if not len(members):
        return
    centres = np.stack([left + column + 0.5, top + row + 0.5], axis=1)
    apart = ((targets[members][:, None] - centres) ** 2).sum(axis=2)
    picked, cell = linear_sum_assignment(apart)
    window[...] = -1
    window[row[cell], column[cell]] = members[picked]
