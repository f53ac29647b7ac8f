"""The one place that calls HiGHS: one thread, and any end but an optimum or "impossible" is a refusal.

Its numbers are never trusted: what they are used for is checked in whole numbers by witness.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import highspy
import numpy

from pipeline import errors

EXACT: Final = 0.0  # the gap at which a search may stop
ANY: Final = 1e6  # the same where any whole point will do
WHOLE: Final = 1e-6  # how far from whole numbers a corner may be and still be one


class _Quiet(highspy.Highs):
    """HiGHS without its banner, which the constructor prints to stdout before any option can forbid it."""

    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()
        self.setOptionValue("output_flag", False)  # noqa: FBT003 - the solver's own interface


class Program:
    """A whole-number programme: rows as (row, column, coefficient) triples, between bounds."""

    def __init__(
        self,
        shape: tuple[int, int],
        triples: tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray],
        row_bounds: tuple[numpy.ndarray, numpy.ndarray],
        column_bounds: tuple[numpy.ndarray, numpy.ndarray],
        gap: float = EXACT,
        offset: float = 0.0,
    ) -> None:
        rows, columns, values = triples
        order = numpy.lexsort((columns, rows))
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = shape
        lp.row_lower_, lp.row_upper_ = (bound.astype(float) for bound in row_bounds)
        lp.col_lower_, lp.col_upper_ = (bound.astype(float) for bound in column_bounds)
        lp.offset_ = offset  # the gap is a part of the whole cost, so the cost must not begin at nothing
        lp.col_cost_ = numpy.zeros(shape[1])
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = numpy.searchsorted(rows[order], numpy.arange(shape[0] + 1)).astype(numpy.int32)
        lp.a_matrix_.index_ = columns[order].astype(numpy.int32)
        lp.a_matrix_.value_ = values[order].astype(float)
        self.rows, self.columns = shape
        self._columns = numpy.arange(shape[1], dtype=numpy.int32)
        self._model, self._gap = lp, gap
        self._corner: _Quiet | None = None
        self._whole: _Quiet | None = None

    def smallest(self, cost: numpy.ndarray) -> numpy.ndarray | None:
        """The whole-number point of least cost, or None where no point meets the bounds.

        Raises: NotPublishable when the solver ends in any other way.
        """
        point = self.corner(cost)
        if point is None or whole(point):
            return None if point is None else numpy.rint(point).astype(numpy.int64)
        point = self._searched(cost, self._model.col_lower_, self._model.col_upper_)
        return None if point is None else numpy.rint(point).astype(numpy.int64)

    def corner(self, cost: numpy.ndarray) -> numpy.ndarray | None:
        """The point of least cost, whole or not: most corners of these systems are. Starts from the last one."""
        if self._corner is None:
            self._corner = self._made()
            point = self._ended(self._corner, cost)
            for name, value in (("simplex_strategy", 4), ("presolve", "off")):  # the last corner is still allowed
                self._corner.setOptionValue(name, value)
            return point
        return self._ended(self._corner, cost)

    def some(self, costs: Sequence[numpy.ndarray], *, search: bool = True) -> numpy.ndarray | None:
        """A whole-number point of little cost: a corner by one of `costs`, or beside it; None if there is none.

        Without `search` None also says that none was found at once.
        """
        for cost in costs:
            point = self.corner(cost)
            if point is not None and not whole(point):
                point = self._searched(cost, numpy.floor(point + WHOLE), numpy.ceil(point - WHOLE))
                if point is None:
                    continue
            return None if point is None else numpy.rint(point).astype(numpy.int64)
        return self.smallest(costs[0]) if search else None

    def moved(self, costs: Sequence[numpy.ndarray], row: int, bound: float) -> numpy.ndarray | None:
        """A point of little cost with this row at `bound`: a whole corner by one of `costs`, or beside the last one.

        None also says that none was found at once.
        """
        if self._corner is None:
            self._corner = self._made()
            self._corner.setOptionValue("presolve", "off")
        point: numpy.ndarray | None = None
        for cost in costs:
            with self._fixed(self._corner, row, bound):
                point = self._ended(self._corner, cost)
            if point is None or whole(point):
                break
        if point is not None and not whole(point):
            point = self._searched(costs[-1], numpy.floor(point + WHOLE), numpy.ceil(point - WHOLE), (row, bound))
        return None if point is None else numpy.rint(point).astype(numpy.int64)

    def _searched(
        self, cost: numpy.ndarray, low: Any, high: Any, fixed: tuple[int, float] | None = None
    ) -> numpy.ndarray | None:
        """The whole-number point of least cost with the columns between `low` and `high`, and a row `fixed`."""
        if self._whole is None:
            self._whole = self._made()
            kinds = numpy.full(self.columns, highspy.HighsVarType.kInteger)
            self._whole.changeColsIntegrality(self.columns, self._columns, kinds)
        self._whole.changeColsBounds(self.columns, self._columns, numpy.asarray(low), numpy.asarray(high))
        with self._fixed(self._whole, *fixed) if fixed else contextlib.nullcontext():
            return self._ended(self._whole, cost)

    @contextlib.contextmanager
    def _fixed(self, highs: _Quiet, row: int, bound: float) -> Iterator[None]:
        """For a while a row of the solver is held at `bound`."""
        highs.changeRowBounds(row, bound, bound)
        try:
            yield
        finally:
            highs.changeRowBounds(row, self._model.row_lower_[row], self._model.row_upper_[row])

    def _made(self) -> _Quiet:
        highs = _Quiet()
        for name, value in (("threads", 1), ("mip_rel_gap", self._gap), ("random_seed", 1)):
            highs.setOptionValue(name, value)
        highs.passModel(self._model)
        return highs

    def _ended(self, highs: _Quiet, cost: numpy.ndarray | None = None) -> numpy.ndarray | None:
        if cost is not None:
            highs.changeColsCost(self.columns, self._columns, cost.astype(float))
        highs.run()
        status = highs.getModelStatus()
        ends = highspy.HighsModelStatus
        if status in (ends.kInfeasible, ends.kUnboundedOrInfeasible):
            return None
        if status not in (ends.kOptimal, ends.kModelEmpty):
            raise errors.NotPublishable("protect: the solver came to no end that proves anything. Nothing was done.")
        return numpy.asarray(highs.getSolution().col_value)


def whole(point: numpy.ndarray) -> bool:
    """Whether a point is made of whole numbers."""
    return bool(numpy.abs(point - numpy.rint(point)).max(initial=0) < WHOLE)
