"scikit-learn's own checks of an estimator, for each estimator of the chapters on trees."
from sklearn.utils.estimator_checks import parametrize_with_checks

from course_lib.trees import DecisionTreeClassifier, DecisionTreeRegressor

EXACT = {'max_bins': None}
ESTIMATORS = [
    DecisionTreeClassifier(), DecisionTreeClassifier(**EXACT),
    DecisionTreeRegressor(), DecisionTreeRegressor(**EXACT),
]
# a check that an estimator is known to fail, by the estimator's class, with the reason
FAILED = {}


def failed(estimator):
    return FAILED.get(type(estimator).__name__, {})


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=failed)
def test_scikit_learn_check(estimator, check):
    check(estimator)
