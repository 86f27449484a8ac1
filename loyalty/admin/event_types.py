import jsonschema
from django import forms
from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.admin import words
from common.admin.base import AuditedAdmin, JSONTextarea
from common.problems import Problem
from loyalty.models import CustomEventType
from loyalty.services import customs, rules

SAMPLE = {
    "type": "object",
    "properties": {"quiz": {"type": "string"}, "score": {"type": "integer", "minimum": 0, "maximum": 100}},
    "required": ["quiz", "score"],
    "additionalProperties": False,
}


class EventTypeForm(forms.ModelForm):
    """The schema is checked, and tried on an example if one is given."""

    schema = forms.JSONField(
        label=_("JSON Schema of the data"),
        initial=SAMPLE,
        widget=JSONTextarea(),
        help_text=_("Events whose data does not fit are rejected."),
    )
    example = forms.JSONField(
        label=_("an example to try it on"),
        required=False,
        widget=JSONTextarea(6),
        help_text=_('For example {"quiz": "spring", "score": 80}. It is checked when you save and not kept.'),
    )

    class Meta:
        model = CustomEventType
        fields = ["name", "description", "schema", "is_active"]

    def clean_schema(self):
        schema = self.cleaned_data["schema"]
        if not isinstance(schema, dict):
            raise forms.ValidationError(gettext("A schema is a JSON object."))
        try:
            customs.check_schema(schema)
        except Problem as problem:
            raise forms.ValidationError(str(problem.detail)) from problem
        return schema

    def clean(self):
        data = super().clean()
        if data.get("schema") is not None and data.get("example") is not None:
            errors = list(jsonschema.Draft202012Validator(data["schema"]).iter_errors(data["example"]))
            for error in errors[:5]:
                place = "/".join(map(str, error.absolute_path)) or gettext("the whole")
                self.add_error("example", f"{place}: {error.message[:200]}")
        return data


@admin.register(CustomEventType)
class CustomEventTypeAdmin(AuditedAdmin):
    """Event types of our own. Shops send them like any other event; earning rules can listen to them."""

    empty = _("No event type of our own yet. Define one, and shops can send it, and rules can reward it.")
    form = EventTypeForm
    list_display = ["name", "description", "fields_told", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["name", "description"]
    fields = ["name", "description", "is_active", "schema", "example"]

    def get_readonly_fields(self, request, obj=None):
        """Shops and rules know it by its name."""
        return ["name"] if obj else []

    def get_fields(self, request, obj=None):
        if obj and not self.has_change_permission(request, obj):
            return ["name", "description", "is_active", "schema_words"]
        return self.fields

    def has_delete_permission(self, request, obj=None):
        return False

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        rules.changed()

    @admin.display(description=_("tells"))
    def fields_told(self, event_type):
        return ", ".join(event_type.schema.get("properties", {})) or "–"

    @admin.display(description=_("JSON Schema of the data"))
    def schema_words(self, event_type):
        return words.pairs(event_type.schema)
