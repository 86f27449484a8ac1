import pytest

from config.demo import conduct
from config.tests import sample
from loyalty.models import CoefficientPolicy
from loyalty.services import editions
from loyalty.tests import conducts, stage

pytestmark = pytest.mark.django_db


def test_the_demos_policy_is_that_of_f2_and_is_set_up_once():
    author, approver = sample.staff("olivia"), sample.staff("felix")
    for _time in range(2):
        conduct.set_up(author, approver, stage.NOON)
    policy = CoefficientPolicy.objects.get()
    assert editions.in_force(CoefficientPolicy, stage.NOON) == policy
    assert [(band.up_to_permille, band.percent) for band in policy.ordered_bands()] == list(conducts.F2)
