"scikit-learn's own checks of an estimator, for each estimator of the chapters on trees."
import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from course_lib.bagging import (
    BaggingClassifier, BaggingRegressor, RandomForestClassifier, RandomForestRegressor)
from course_lib.boosting import (
    AdaBoostClassifier, GradientBoostingClassifier, GradientBoostingRegressor)
from course_lib.trees import DecisionTreeClassifier, DecisionTreeRegressor

EXACT = {'max_bins': None}
ESTIMATORS = [
    DecisionTreeClassifier(), DecisionTreeClassifier(**EXACT),
    DecisionTreeRegressor(), DecisionTreeRegressor(**EXACT),
    BaggingClassifier(n_estimators=5), BaggingRegressor(n_estimators=5),
    RandomForestClassifier(5), RandomForestRegressor(5),
    AdaBoostClassifier(), GradientBoostingClassifier(), GradientBoostingRegressor(),
    GradientBoostingClassifier(subsample=.5, random_state=0),
    GradientBoostingRegressor(loss='absolute_error', subsample=.5, random_state=0),
    GradientBoostingRegressor(n_iter_no_change=3, random_state=0),
]
# a check that an estimator is known to fail, by the estimator's class, with the reason
DRAWN = {'check_sample_weight_equivalence_on_dense_data':
         'a row of weight 2 and two rows are drawn differently; so it is for scikit-learn\'s'}
FAILED = {'RandomForestClassifier': DRAWN, 'RandomForestRegressor': DRAWN}


def failed(estimator):
    return FAILED.get(type(estimator).__name__, {})


@pytest.fixture(autouse=True)
def no_check_is_left_out(monkeypatch):
    "Without this variable scikit-learn would not check what `array_api_dispatch` does to a result."
    monkeypatch.setenv('SCIPY_ARRAY_API', '1')


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=failed)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize('estimator', ESTIMATORS, ids=str)
def test_a_dump_keeps_what_was_learned(estimator, tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 3))
    fitted = clone(estimator).fit(x, (x[:, 0] > 0).astype(int))
    joblib.dump(fitted, tmp_path / 'model')
    assert (joblib.load(tmp_path / 'model').predict(x) == fitted.predict(x)).all()
