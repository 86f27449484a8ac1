"""Fields in which people search for a row: what is no row's key is an error of the field, never of the page."""

from __future__ import annotations

from django.contrib.admin.widgets import AutocompleteMixin, AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError


class _Keys(AutocompleteMixin):
    def optgroups(self, name, value, attr=None):
        """Django asks the database for whatever an address or a forged form names, and fails if that is no number."""
        return super().optgroups(name, [key for key in value if self._may_be_a_key(key)], attr)

    def _may_be_a_key(self, key) -> bool:
        try:
            self.field.target_field.clean(key, None)
        except ValidationError:
            return False
        return True


class _OneRow(_Keys, AutocompleteSelect):
    pass


class _ManyRows(_Keys, AutocompleteSelectMultiple):
    pass


class RowChoices:
    """Mix it in before a page, or rows below one, with `autocomplete_fields`."""

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        return super().formfield_for_foreignkey(
            db_field, request, **self._searched(_OneRow, db_field, request) | kwargs
        )

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        return super().formfield_for_manytomany(
            db_field, request, **self._searched(_ManyRows, db_field, request) | kwargs
        )

    def _searched(self, widget, db_field, request) -> dict:
        searched = db_field.name in self.get_autocomplete_fields(request)
        return {"widget": widget(db_field, self.admin_site)} if searched else {}
