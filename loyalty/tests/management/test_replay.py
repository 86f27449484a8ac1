import datetime as dt

import pytest
from django.core.management import CommandError, call_command

from common.models import JobRun
from loyalty.models import Account

pytestmark = pytest.mark.django_db
ROWS = """Invoice,StockCode,Description,Quantity,InvoiceDate,Price,CustomerID,Country
1,mug,,2,2011-01-01 12:00:00,1.50,7,UK
2,mug,,3,2011-01-02 12:00:00,1.50,7,UK
C3,mug,,-4,2011-01-03 12:00:00,1.50,7,UK
C4,lamp,,-1,2011-01-03 13:00:00,1.50,7,UK
5,mug,,2,2011-01-04 12:00:00,9.50,,UK
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "shop.csv"
    path.write_text(ROWS)
    return path


def test_it_tells_what_became_of_every_row_event_and_point(file, capsys):
    call_command("replay", file, format="online-retail")
    told = capsys.readouterr().out
    for line in (
        "sold: guest",
        "cancelled: refund_of_unknown_order",
        "ignored: order_unknown",
        "issued",
        "invariants hold",
    ):
        assert line in told
    assert "RED" not in told
    # 3.00 + 4.50 pounds earn 3 + 4; 4.50 and 1.50 come back: 4 and 2 (1.50 kept earns 1).
    assert Account.objects.get(kind="member").available == 1


def test_run_again_it_changes_nothing(file, capsys):
    call_command("replay", file, format="online-retail")
    before = list(Account.objects.values())
    call_command("replay", file, format="online-retail")
    assert list(Account.objects.values()) == before
    assert JobRun.objects.filter(job__startswith="replay:").count() == 1


def test_a_rejected_event_makes_it_fail(file, capsys):
    call_command("replay", file, format="online-retail", until=dt.date(2011, 1, 1))
    file.write_text(ROWS.replace("1,mug,,2,", "1,mug,,22,"))
    with pytest.raises(SystemExit) as stop:
        call_command("replay", file, format="online-retail")
    assert stop.value.code == 1
    assert "event_id_reused" in capsys.readouterr().out


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CommandError, match="There is no"):
        call_command("replay", tmp_path / "none.csv", format="online-retail")


def test_a_file_without_orders_is_refused(file):
    file.write_text(ROWS.splitlines()[0])
    with pytest.raises(CommandError, match="no order"):
        call_command("replay", file, format="online-retail")
