from django.urls import path

from .events import EventsView

urlpatterns = [path("events", EventsView.as_view(), name="events")]
