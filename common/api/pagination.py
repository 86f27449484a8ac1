"""Lists: a cursor that neither skips nor repeats while rows are added."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework import pagination
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.views import APIView

from common.problems import InvalidInput


class CursorPagination(pagination.CursorPagination):
    """`next`, `previous`, `results`; newest first unless the view's pagination says otherwise; `limit` up to 200."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "-id"

    def get_page_size(self, request: Request) -> int:
        """What `limit` says, at most 200. Raises InvalidInput."""
        try:
            size = int(request.query_params.get(self.page_size_query_param, self.page_size))
        except ValueError:
            size = 0
        if size < 1:
            error = {"pointer": "/limit", "code": "invalid", "detail": str(_("Give a whole number from 1 on."))}
            raise InvalidInput(errors=[error])
        return min(size, self.max_page_size)

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        parameters = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"]["minimum"] = 1
        return parameters

    def paginate_queryset(self, queryset: QuerySet, request: Request, view: APIView | None = None) -> list[Any] | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, ValidationError, ValueError, TypeError, OverflowError):
            error = {"pointer": "/cursor", "code": "invalid", "detail": str(_("This cursor is not one of ours."))}
            raise InvalidInput(errors=[error]) from None
