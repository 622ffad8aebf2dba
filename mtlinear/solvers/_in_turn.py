"""One solver after another on the same incumbent: a fast one first, a robust one for what it leaves."""

from __future__ import annotations

from mtlinear._validation import check_integer
from mtlinear.problem import Problem
from mtlinear.solvers._base import Solver
from mtlinear.solvers._incumbent import Incumbent


class InTurn(Solver):
    """Run ``first`` for some iterations, and ``then`` from the best point so far if the gap is not there yet.

    On features of similar scale gradient steps need few iterations and no factorization; on badly scaled ones they
    creep, and `Splitting` or `ProximalNewton` do not. Where ``then`` refuses the problem, ``first`` goes on.

    Parameters
    ----------
    first, then : Solver
    after : int >= 1, default 300
        Iterations of the first.
    """

    def __init__(self, first: Solver, then: Solver, after: int = 300):
        self.first = first
        self.then = then
        self.after = after

    def refuses(self, problem: Problem) -> str | None:
        check_integer("after", self.after, at_least=1)
        for name in ("first", "then"):
            solver = getattr(self, name)
            if not isinstance(solver, Solver):
                raise TypeError(f"{name} must be a Solver object, got {solver!r}.")
        return self.first.refuses(problem)

    def run(self, incumbent: Incumbent, gap_limit: float, max_iter: int) -> None:
        if self.then.refuses(incumbent.problem) is not None:
            self.first.run(incumbent, gap_limit, max_iter)
            return
        self.first.run(incumbent, gap_limit, min(max_iter, incumbent.n_iter + self.after))
        self.then.run(incumbent, gap_limit, max_iter)
