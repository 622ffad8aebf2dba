"""Which of scikit-learn's tests are run, and which of them cannot pass, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field

import sklearn

VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])

_DESCENT = "linear_model.tests.test_coordinate_descent"
_COMMON = "tests.test_common"
_ROUTING = "tests.test_metaestimators_metadata_routing"
_SPLITTER = "ours hands `groups` to the splitter, always, and nothing else; theirs whatever routing asks for"
_LUCK = (
    "left open: wants coefficients to 5e-7 on an ill-conditioned X; the gap that stops ours is rounding (1e-16) before "
    "that, so it passes or misses by 1e-5, by where the last look at the gap falls"
)
_N_ALPHAS = "1.8 only: the deprecated `n_alphas`, which ours never had"


@dataclass(frozen=True)
class Group:
    """Tests of one subprocess. A key of ``failing`` is one test, or a function: then all its variants fail."""

    modules: tuple[str, ...]
    #: Fewest tests that must have met an adapter, with scikit-learn 1.8 and from 1.9 on.
    at_least: tuple[int, int]
    keyword: str = ""
    failing: dict[str, str] = field(default_factory=dict)
    #: Tests that may pass or fail, by rounding.
    undecided: dict[str, str] = field(default_factory=dict)
    #: As failing, for tests that only 1.8 has.
    failing_in_1_8: dict[str, str] = field(default_factory=dict)

    def listed(self) -> dict[str, str]:
        return self.failing | (self.failing_in_1_8 if VERSION == (1, 8) else {})


GROUPS = {
    "weights in cross-validation": Group(
        modules=(_DESCENT,), keyword="cv_sample_weight and not csc_array", at_least=(0, 14)
    ),
    "coordinate descent": Group(
        modules=(_DESCENT, "linear_model.tests.test_common"),
        keyword="not cv_sample_weight",
        at_least=(35, 53),
        failing={
            f"{_DESCENT}::test_uniform_targets": (
                "where the features say nothing, the grid of alphas starts at 1; theirs is 1e-15, repeated"
            ),
            f"{_DESCENT}::test_multi_task_lasso_and_enet": (
                "the text of the ConvergenceWarning (all before that line passes)"
            ),
            f"{_DESCENT}::test_1d_multioutput_enet_and_multitask_enet_cv": (
                "wants 7 digits of their ElasticNetCV at tol=1e-4, which is itself 1e-4 from the optimum"
            ),
            f"{_DESCENT}::test_1d_multioutput_lasso_and_multitask_lasso_cv": (
                "wants 7 digits of their LassoCV at tol=1e-4, which is itself 1e-4 from the optimum"
            ),
            f"{_DESCENT}::test_cv_estimators_reject_params_with_no_routing_enabled": (
                "`groups` is an argument of fit here, with or without metadata routing"
            ),
        },
        undecided={
            f"{_DESCENT}::test_enet_ridge_consistency[42-False-3-1e-06]": _LUCK,
            f"{_DESCENT}::test_enet_ridge_consistency[42-False-3-0.1]": _LUCK,
            f"{_DESCENT}::test_enet_ridge_consistency[42-False-3-1.0]": _LUCK,
        },
        failing_in_1_8={
            f"{_DESCENT}::test_multitask_cv_estimators_with_sample_weight": (
                "1.8 only: theirs must refuse sample_weight; ours takes it"
            ),
            f"{_DESCENT}::test_linear_model_cv_deprecated_n_alphas": _N_ALPHAS,
            f"{_DESCENT}::test_linear_model_cv_deprecated_alphas_none": _N_ALPHAS,
            f"{_DESCENT}::test_linear_model_cv_alphas_n_alphas_unset": _N_ALPHAS,
            f"{_DESCENT}::test_linear_model_cv_alphas": _N_ALPHAS,
        },
    ),
    "every estimator": Group(
        modules=(
            _COMMON,
            _ROUTING,
            "inspection.tests.test_partial_dependence",
            "utils.tests.test_estimator_checks",
        ),
        at_least=(263, 266),
        failing={
            f"{_COMMON}::test_check_param_validation": (
                "reads scikit-learn's private `_parameter_constraints`; tests/test_bad_input.py checks ours"
            ),
            f"{_ROUTING}::test_default_request": _SPLITTER,
            f"{_ROUTING}::test_metadata_is_routed_correctly_to_splitter": _SPLITTER,
        },
    ),
}
