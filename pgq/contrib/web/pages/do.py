"""Where all forms of actions go: asks first, does it, and goes back to where the form was."""

from __future__ import annotations

import logging
from typing import Final

import psycopg
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import Forbidden, NotFound
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from pgq.contrib.web.actions import ACTIONS
from pgq.contrib.web.actions.action import Action, Done, Form, Question
from pgq.contrib.web.actions.perform import perform
from pgq.contrib.web.buttons import address_after, back_address
from pgq.contrib.web.csrf import FIELD
from pgq.contrib.web.frame import as_json, wants_json
from pgq.contrib.web.page import Page, View, Visit
from pgq.contrib.web.pages.new import REFUSED
from pgq.errors import PgqError
from pgq.lib.report import first_line
from pgq.logs import log_event


def do(visit: Visit, action: str) -> View | Response:
    """Do an action, or ask first."""
    found = ACTIONS.get(action)
    if found is None:
        raise NotFound("There is no such action.")
    if visit.operator is None:
        raise Forbidden("These pages only show: they have no login for actions.")
    form = Form(visit.request.form)
    try:
        answer = perform(found, form, visit.access, visit.operator)
    except (PgqError, psycopg.Error) as error:
        return _failed(visit, found, error)
    if isinstance(answer, Question):
        return _asked(visit, found, form, answer)
    log_event(logging.INFO, "web.action", action=found.name, actor=visit.access.user)
    visit.source.tell_of_change()
    if wants_json(visit.request):
        undo = answer.undo and {"action": answer.undo.action, "values": dict(answer.undo.values)}
        return as_json(
            {"said": answer.said, "answer": answer.answer, "well": answer.is_well, "undo": undo}
        )
    return redirect(address_after(visit, answer), 303)


def _failed(visit: Visit, action: Action, error: Exception) -> View | Response:
    said, status = _reason(error)
    log_event(
        logging.WARNING, "web.action_failed", action=action.name, actor=visit.access.user,
        error=first_line(error),
    )  # fmt: skip
    if wants_json(visit.request):
        return as_json({"error": said, "status": status}, status)
    if action.name in REFUSED and status == 422:
        return REFUSED[action.name](visit, said)
    return redirect(address_after(visit, Done(said, is_well=False)), 303)


def _reason(error: Exception) -> tuple[str, int]:
    """Return what to say of an error, and its status. What the server says may be no one's here."""
    match error:
        case PgqError():
            return " ".join(filter(None, (f"{error.message}.", error.hint))), 422
        case psycopg.errors.LockNotAvailable() | psycopg.errors.QueryCanceled():
            return "Nothing was done: others hold it, or it took too long. Try again.", 503
        case psycopg.errors.InsufficientPrivilege():
            return "Nothing was done: the login for actions lacks that right in the database.", 403
        case _:
            return "Nothing was done: the database failed; the log says why.", 503


def _asked(visit: Visit, action: Action, form: Form, question: Question) -> View | Response:
    if wants_json(visit.request):
        asked = {"question": question.text, "lines": question.lines, "values": question.fixed}
        return as_json({**asked, "error": "Send it again with these values and confirmed=1."}, 409)
    fixed = MultiDict(form.values)
    for name in (FIELD, "back", "confirmed", "proof"):
        fixed.poplist(name)
    for name, value in question.fixed.items():
        fixed.setlist(name, [str(value)])
    return View(
        question.text,
        "confirm.html",
        action=action,
        question=question,
        values=fixed.to_dict(flat=False),
        proof=action.proof(Form(fixed)) if action.proof is not None else None,
        is_wrong=form.has("confirmed"),
        back=back_address(visit),
    )


PAGES: Final = (Page("do", "/do/<action>", do, methods=("POST",)),)
