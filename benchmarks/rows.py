"""What a measurement wrote: a floor that leaves other rows than the platform is no floor."""

from __future__ import annotations

from django.db import connection


class Rows:
    """Counts the rows that tables of the database Django points at have gained since now."""

    def __init__(self, *tables: str):
        self._tables = tables
        self._before = self._count()

    def written(self) -> dict[str, int]:
        return {table: rows - self._before[table] for table, rows in self._count().items()}

    def _count(self) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(f'(SELECT count(*) FROM {table})' for table in self._tables)}")
            return dict(zip(self._tables, cursor.fetchone(), strict=True))


def compare(ours: dict[str, int], floor: dict[str, int]) -> None:
    """Raises RuntimeError if the two did not write the same."""
    if ours != floor:
        raise RuntimeError(f"the platform wrote {ours}, the floor {floor}")
