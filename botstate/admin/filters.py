"""The filters of the lists."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from botstate.admin.attention import NARROWED, narrow
from botstate.models import Turn

MAX_CHOICES = 100


class FewValuesFilter(admin.AllValuesFieldListFilter):
    """The field's values to choose from, the first 100 of them; nothing where there is no choice to make."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lookup_choices = self.lookup_choices[:MAX_CHOICES]

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1 or self.lookup_val is not None


class AttentionFilter(admin.SimpleListFilter):
    """Threads with something that an operator should look at."""

    title = "needs attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return NARROWED

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return narrow(queryset, self.value() or "")


class OutcomeFilter(admin.SimpleListFilter):
    """Receipts by what became of their events."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        turns = [(status.value, f"Turn {status.value}") for status in Turn.Status]
        return [("ignored", "Ignored"), ("kept", "Not ignored"), *turns]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        wanted = self.value()
        if wanted == "ignored":
            return queryset.exclude(ignored="")
        if wanted == "kept":
            return queryset.filter(ignored="")
        return queryset.filter(turn__status=wanted) if wanted in Turn.Status.values else queryset
