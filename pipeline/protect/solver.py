"""The one place that calls HiGHS: one thread, and any end but an optimum or "impossible" is a refusal.

Its numbers are never trusted: what they are used for is checked in whole numbers by witness.py.
"""

from __future__ import annotations

from typing import Final

import highspy
import numpy

from pipeline import errors

EXACT: Final = 0.0  # the gap at which a search may stop
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
    ) -> None:
        rows, columns, values = triples
        order = numpy.lexsort((columns, rows))
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = shape
        lp.row_lower_, lp.row_upper_ = (bound.astype(float) for bound in row_bounds)
        lp.col_lower_, lp.col_upper_ = (bound.astype(float) for bound in column_bounds)
        lp.col_cost_ = numpy.zeros(shape[1])
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = numpy.searchsorted(rows[order], numpy.arange(shape[0] + 1)).astype(numpy.int32)
        lp.a_matrix_.index_ = columns[order].astype(numpy.int32)
        lp.a_matrix_.value_ = values[order].astype(float)
        self.columns = shape[1]
        self._columns = numpy.arange(shape[1], dtype=numpy.int32)
        self._highs = _Quiet()
        for name, value in (("threads", 1), ("mip_rel_gap", gap), ("random_seed", 1)):
            self._highs.setOptionValue(name, value)
        self._highs.passModel(lp)

    def smallest(self, cost: numpy.ndarray) -> numpy.ndarray | None:
        """The whole-number point of least cost, or None where no point meets the bounds.

        Most corners of these systems are whole already, and the next cost starts from the last corner.

        Raises: NotPublishable when the solver ends in any other way.
        """
        self._highs.changeColsCost(len(self._columns), self._columns, cost.astype(float))
        point = self._run()
        if point is None or numpy.abs(point - numpy.rint(point)).max(initial=0) < WHOLE:
            return None if point is None else numpy.rint(point).astype(numpy.int64)
        try:
            self._kind(highspy.HighsVarType.kInteger)
            point = self._run()
        finally:
            self._kind(highspy.HighsVarType.kContinuous)
        return None if point is None else numpy.rint(point).astype(numpy.int64)

    def _run(self) -> numpy.ndarray | None:
        self._highs.run()
        status = self._highs.getModelStatus()
        ends = highspy.HighsModelStatus
        if status in (ends.kInfeasible, ends.kUnboundedOrInfeasible):
            return None
        if status not in (ends.kOptimal, ends.kModelEmpty):
            raise errors.NotPublishable("protect: the solver came to no end that proves anything. Nothing was done.")
        return numpy.asarray(self._highs.getSolution().col_value)

    def _kind(self, kind: highspy.HighsVarType) -> None:
        self._highs.changeColsIntegrality(self.columns, self._columns, numpy.array([kind] * self.columns))
