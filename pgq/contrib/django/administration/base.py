"""What the classes of the admin share: nothing is added, changed or deleted but by a verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path

from pgq.contrib.django.administration.changelist import FunctionChangeList, Page
from pgq.contrib.django.administration.reach import BackendFilter, address, client_for
from pgq.contrib.django.administration.verbs import Verb, told
from pgq.errors import PgqError


class FunctionAdmin(admin.ModelAdmin):
    """Lists rows that functions return, and does to them what its verbs say."""

    verbs: ClassVar[Sequence[Verb]] = ()
    list_filter: ClassVar[Sequence[Any]] = (BackendFilter,)
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER  # a filter would count, row by row
    list_per_page = 100
    change_list_template = "admin/pgq/change_list.html"
    change_form_template = "admin/pgq/change_form.html"

    # What a subclass says: the rows of a page, and the row of a key.

    def page(self, request: Any, changelist: FunctionChangeList) -> Page:
        """Return a page of rows."""
        raise NotImplementedError

    def row(self, request: Any, key: str) -> Any:
        """Return the row of a key, or None."""
        raise NotImplementedError

    # What Django asks.

    def get_changelist(self, request: Any, **kwargs: Any) -> type:
        """Return the class of the list."""
        return FunctionChangeList

    def get_queryset(self, request: Any) -> Any:
        """Return a query that asks nothing."""
        return self.model._default_manager.none()

    def get_object(self, request: Any, object_id: str, from_field: str | None = None) -> Any:
        """Look up a row by its key."""
        try:
            row = self.row(request, object_id)
        except (ValueError, PgqError):
            return None  # no key is like that
        return None if row is None else self.as_object(request, row)

    def as_object(self, request: Any, row: Any) -> Any:
        """Return the model's object with the columns of a row, which keeps both for its columns."""
        given: Mapping[str, Any] = row if isinstance(row, Mapping) else row._asdict()
        names = [field.attname for field in self.model._meta.concrete_fields]
        made = self.model(**{name: given[name] for name in names if name in given})
        made.request, made.row = request, row
        return made

    def has_add_permission(self, request: Any) -> bool:
        """Nobody adds a row here."""
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        """Nobody writes fields here."""
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """Nobody deletes a row but by a verb."""
        return False

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """Let the filters decide."""
        return True

    def get_actions(
        self, request: Any, action_location: Any = None
    ) -> dict[str, tuple[Callable[..., Any], str, str]]:
        """Return the verbs that the user may use; the page of a row has buttons instead."""
        if getattr(action_location, "name", None) == "CHANGE_FORM":
            return {}
        return {
            verb.name: (self._of_list(verb), verb.name, verb.label)
            for verb in self.verbs
            if self.may(request, verb)
        }

    def response_action(self, request: Any, queryset: Any, *args: Any, **named: Any) -> Any:
        """Do an action to rows whose keys are such; Django's own code fails at others."""
        try:
            for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(key)
        except ValidationError:
            raise Http404("there is no such row") from None
        return super().response_action(request, queryset, *args, **named)

    def get_urls(self) -> list[Any]:
        """Add the page that does a verb to one row."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        act = self.admin_site.admin_view(self.do_view)
        return [path("<path:object_id>/do/<slug:verb>/", act, name=name), *super().get_urls()]

    def render_change_form(
        self, request: Any, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> Any:
        """Show a row, with a button for each verb that fits it and that the user may use."""
        context["verbs"] = [
            (verb, self._address(request, "do", obj.pk, verb.name))
            for verb in self.verbs
            if verb.fits(obj) and self.may(request, verb)
        ]
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    # The verbs.

    def may(self, request: Any, verb: Verb) -> bool:
        """Say whether the user has the permission."""
        return bool(
            request.user.has_perm(f"{self.opts.app_label}.{verb.name}_{self.opts.model_name}")
        )

    def do_view(self, request: Any, object_id: str, verb: str) -> Any:
        """Do a verb to one row, after a question where it has one."""
        found = {each.name: each for each in self.verbs}.get(verb)
        if found is None:
            raise Http404(f"nothing is called {verb}")
        if not self.may(request, found) or not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        key = unquote(object_id)
        if self.get_object(request, key) is None:
            raise Http404(f"{self.opts.verbose_name} {key!r} is not there")
        if found.asks and "confirmed" not in request.POST:
            return self._question(request, found, [key])
        self._perform(request, found, [key])
        is_there = not found.deletes and self.get_object(request, key) is not None
        page = ("change", key) if is_there else ("changelist",)
        return HttpResponseRedirect(self._address(request, *page))

    def _of_list(self, verb: Verb) -> Callable[..., Any]:
        def act(_admin: Any, request: Any, _queryset: Any) -> Any:
            keys = request.POST.getlist(ACTION_CHECKBOX_NAME)
            across = request.POST.get("select_across") == "1"
            if across and not verb.bulk:
                self.message_user(request, "Choose rows for that.", messages.WARNING)
            elif verb.asks and "confirmed" not in request.POST:
                return self._question(request, verb, keys, across=across)
            elif across:
                self.perform_on_all(request, verb)
            else:
                self._perform(request, verb, keys)
            return None

        return act

    def perform_on_all(self, request: Any, verb: Verb) -> None:
        """Do a verb to all rows that the list's filters match."""
        raise NotImplementedError

    def _perform(self, request: Any, verb: Verb, keys: list[str]) -> None:
        try:
            did = verb.run(client_for(request), keys)
        except PgqError as error:
            self.message_user(request, f"{error.message}. {error.hint or ''}", messages.ERROR)
            return
        except ValueError:
            raise Http404("there is no such row") from None
        well = all(any(word in outcome for word in verb.good) for outcome in did.values())
        self.message_user(
            request,
            f"{verb.label}: {told(did)}.",
            messages.SUCCESS if well else messages.WARNING,
        )
        for key, outcome in did.items():
            changed = self.model(pk=key)
            self.log_change(request, changed, f"{verb.label}: {outcome}")

    def _question(
        self, request: Any, verb: Verb, keys: list[str], *, across: bool = False
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"{verb.label}?",
            "opts": self.opts,
            "verb": verb,
            "keys": keys,
            "across": across,
            "fields": [
                (name, given)
                for name in request.POST
                if name != "csrfmiddlewaretoken"
                for given in request.POST.getlist(name)
            ],
            "back": self._address(request, "changelist"),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/pgq/question.html", context)

    def _address(self, request: Any, page: str, *args: Any) -> str:
        return address(request, self.admin_site.name, self.model, page, *args)

    def page_of(self, request: Any, model: type, key: Any) -> str:
        """Return the address of the page of a row of another list."""
        return address(request, self.admin_site.name, model, "change", key)
