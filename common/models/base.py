from django.db import models


class InsertOnlyError(RuntimeError):
    """Somebody tried to change or delete a row that is a record of what happened."""


class InsertOnlyQuerySet(models.QuerySet):
    """Rows that are written once: updates and deletes are refused."""

    def update(self, **kwargs):
        raise InsertOnlyError(f"{self.model._meta.label} rows are never changed")

    def delete(self):
        raise InsertOnlyError(f"{self.model._meta.label} rows are never deleted")


class InsertOnlyModel(models.Model):
    """Base of journals: a row may be inserted and read, nothing else. A repair is a further row."""

    objects = InsertOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args, **kwargs):
        if not self._state.adding:
            raise InsertOnlyError(f"{self._meta.label} rows are never changed")
        super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        raise InsertOnlyError(f"{self._meta.label} rows are never deleted")
