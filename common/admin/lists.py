"""Lists of rows, asked for by an address that anybody may type."""

from __future__ import annotations

from django.contrib.admin.options import IncorrectLookupParameters
from django.db import DataError, ProgrammingError
from unfold.views import ChangeList

MAKES_NO_SENSE = (DataError, IncorrectLookupParameters, IndexError, OverflowError, ProgrammingError, ValueError)


class RowList(ChangeList):
    """As Django's, which answers a question that makes no sense with the plain list, if it notices before it asks.

    It asks too late to notice a year that no calendar has, a range with one end, a number that no column holds.
    """

    def __init__(self, request, *args, **kwargs):
        try:
            super().__init__(request, *args, **kwargs)
        except MAKES_NO_SENSE as fault:
            if not request.GET:
                raise
            raise IncorrectLookupParameters(fault) from fault
