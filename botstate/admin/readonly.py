"""The manners that every page of this admin has."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from botstate.conf import get_settings


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows of botstate's own database, and changes none for anybody, superusers included.

    Who may see them is Django's usual view permission.
    """

    actions = None
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False

    class Media:
        css: ClassVar = {"all": ("botstate/admin.css",)}

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # Always the alias of the setting, as everywhere in botstate: a router has no say in where the rows are.
        return super().get_queryset(request).using(get_settings().database)
