"""What a page may show of arguments, results, messages and tracebacks: secrets are taken out first.

JSON is read here as text, token by token: a page never holds a whole document of megabytes, a cut
document is read as far as it goes, and numbers stay as they were written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from pgq.contrib.web.text import visible

HIDDEN: Final = "[hidden]"
_ESCAPE: Final = "\\"
_OPEN, _CLOSE, _BOOLS = "{[", "}]", ("true", "false")
# What a name holds whose value nobody needs to see. Signs between the words do not count.
SECRETS: Final = (
    *("password", "passwd", "passphrase", "pwd", "secret", "token", "authorization", "cookie"),
    *("apikey", "accesskey", "privatekey", "signingkey", "encryptionkey", "credential"),
    *("sessionid", "jwt", "bearer", "cardnumber", "creditcard", "cvv", "cvc", "iban", "ssn"),
)
# Of these words only whole names: they are parts of many others.
_WHOLE: Final = frozenset({"card", "auth", "pin", "pass", "otp", "dsn"})
DEEPEST: Final = 40
# So much of a document is shown at first; so much of it is read at most.
SHOWN, READ = 4096, 65_536
# A longer document is not handed to a hook, so nothing of it is shown.
LONGEST_FOR_HOOK: Final = 1_000_000
LONGEST_TEXT: Final = 40_000

_SEPARATORS: Final = re.compile(r"[^0-9a-z]+")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TOKEN: Final = re.compile(
    r'[ \t\r\n]+|("[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z))'
    r"|(-?[0-9][-+.0-9eE]*|true|false|null)|([\[\]{},:])",
    re.DOTALL,
)
_CLOSED: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_URL_USER: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20}://)[^\s/?#@\"'<>]{1,500}@")
_NAME: Final = re.compile(
    r"""(?<![A-Za-z0-9_])([A-Za-z_][A-Za-z0-9_]*+(?:[.-][A-Za-z0-9_]{1,40}+){0,4})"""
    r"""["']?\s{0,3}(?:=>|[:=])\s{0,3}"""
)
_VALUE: Final = re.compile(
    r"""\[hidden\]|"(?:[^"\\\n]|\\.){0,2000}"?|'(?:[^'\\\n]|\\.){0,2000}'?"""
    r"""|(?:(?:Bearer|Basic|Digest|Token)\s{1,3})?[^\s,;&"')}\]]{1,2000}"""
)
_COOKIES: Final = re.compile(r"(?i)\b((?:set-)?cookie[\"']?\s{0,3}[:=]\s{0,3})[^\r\n]{1,4000}")
_BEARER: Final = re.compile(r"\b(Bearer|Basic)\s{1,3}[A-Za-z0-9._~+/=-]{8,2000}")
_JWT: Final = re.compile(
    r"\beyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{4,4000}\.[A-Za-z0-9_-]{0,1000}"
)

# The name of a class, as before the message of an error: CardDeclined, AuthFailed.
_CLASS: Final = re.compile(r"(?:\w+\.)*(?:[A-Z]+[a-z0-9]+){2,}")

Hook = Callable[[str, Any], Any]


class Shown(NamedTuple):
    """A document as a page shows it; `more`: there is more than that."""

    text: str
    more: bool = False
    hidden: bool = False
    """Whether something was taken out."""


class Redactor:
    """Takes out what nobody should see; one for a whole dashboard."""

    def __init__(
        self,
        names: Iterable[str] = (),
        hook: Hook | None = None,
        hide_args: Iterable[str] = (),
    ) -> None:
        """`names` are hidden besides SECRETS, wherever a key contains one of them.

        hook(task, args) returns the arguments to show of a job. It sees the whole of them, after
        secrets are out; if it fails, nothing is shown. hide_args: tasks (`mail.*`) of which only
        the shape of arguments and results is shown.
        """
        self._names = (*SECRETS, *(_squeezed(name) for name in names))
        self._hook = hook
        self._hide_args = tuple(hide_args)

    def hides(self, name: str) -> bool:
        """Say whether the value of a key of this name is hidden."""
        return self._hides(name[:500], _WHOLE)

    def _hides(self, name: str, whole: frozenset[str]) -> bool:
        words = _SEPARATORS.split(_CAMEL.sub("_", name).lower())
        squeezed = "".join(words)
        return any(each in squeezed for each in self._names) or not whole.isdisjoint(words)

    def hides_within(self, document: Any) -> bool:
        """Say whether a document has a hidden key: nobody may search by that."""
        if isinstance(document, Mapping):
            return any(
                self.hides(str(name)) or self.hides_within(value)
                for name, value in document.items()
            )
        return isinstance(document, list) and any(map(self.hides_within, document))

    def hides_args_of(self, task: str) -> bool:
        """Say whether of this task only shapes are shown."""
        return any(fnmatchcase(task, each) for each in self._hide_args)

    def text(self, text: str | None) -> str:
        """Return a message or a traceback without what follows a secret's name in it."""
        if not text:
            return ""
        cut = text[:LONGEST_TEXT]
        shown = _URL_USER.sub(rf"\1{HIDDEN}@", cut)
        shown = "".join(self._without_named(shown))
        shown = _COOKIES.sub(rf"\1{HIDDEN}", shown)
        shown = _JWT.sub(HIDDEN, _BEARER.sub(rf"\1 {HIDDEN}", shown))
        return _lines(shown) + ("…" if len(text) > LONGEST_TEXT else "")

    def _without_named(self, text: str) -> Iterator[str]:
        """Yield a text without the values of secrets' names: `name=value`, `"name": "value"`."""
        place = 0
        while found := _NAME.search(text, place):
            yield text[place : found.end()]
            place = found.end()
            name = found[1]
            whole = frozenset[str]() if _CLASS.fullmatch(name) else _WHOLE
            if self._hides(name, whole) and (value := _VALUE.match(text, place)):
                yield HIDDEN
                place = value.end()
        yield text[place:]

    def document(
        self,
        text: str | None,
        *,
        task: str = "",
        shapes: bool = False,
        most: int = SHOWN,
        is_whole: bool = True,
    ) -> Shown:
        """Return a JSON document, given as its text, as a page shows it: on lines, up to `most`.

        shapes: only what kind of value stands where. is_whole: False where the database has cut
        the text. A hook sees whole documents only.
        """
        if text is None:
            return Shown("")
        shapes = shapes or self.hides_args_of(task)
        more = not is_whole or len(text) > READ
        if self._hook is not None and not shapes:
            if not is_whole or len(text) > LONGEST_FOR_HOOK:
                return Shown(f"{HIDDEN}: too long for the redaction hook", more=False, hidden=True)
            text = self._hooked(self._hook, task, text)
            if text is None:
                return Shown(f"{HIDDEN}: the redaction hook failed", hidden=True)
        writer = _Writer(self, shapes, most)
        is_full = writer.write(text[:READ])
        return Shown(visible_lines(writer.parts), more or is_full, writer.hidden)

    @property
    def has_hook(self) -> bool:
        """Say whether it must see whole documents."""
        return self._hook is not None

    def piece(self, text: str, path: Sequence[str], *, task: str, is_whole: bool, most: int) -> str:
        """Return what stands at a path of a document; none of the path's names may be hidden.

        text: that piece, as JSON; with a hook the whole document.
        """
        if self._hook is None:
            return self.document(text, task=task, is_whole=is_whole, most=most).text
        whole = self._hooked(self._hook, task, text) if is_whole else None
        if whole is None:
            return HIDDEN
        shown = _at(json.loads(whole), path)
        if shown is None:
            return ""
        bare = Redactor(self._names, hide_args=self._hide_args)
        return bare.document(json.dumps(shown, ensure_ascii=False), task=task, most=most).text

    def _hooked(self, hook: Hook, task: str, text: str) -> str | None:
        try:
            return json.dumps(hook(task, self._without(json.loads(text), 0)), ensure_ascii=False)
        except Exception:  # noqa: BLE001 (a hook is anybody's code, and what failed shows nothing)
            return None

    def _without(self, document: Any, depth: int) -> Any:
        if depth > DEEPEST:
            return HIDDEN
        if isinstance(document, Mapping):
            return {
                name: HIDDEN if self.hides(str(name)) else self._without(value, depth + 1)
                for name, value in document.items()
            }
        if isinstance(document, list):
            return [self._without(value, depth + 1) for value in document]
        return self.text(document) if isinstance(document, str) else document


def _at(document: Any, path: Sequence[str]) -> Any:
    """Return what stands at a path, as the operator #> of Postgres has it; None for nothing."""
    for key in path:
        if isinstance(document, Mapping):
            document = document.get(key)
        elif isinstance(document, list) and re.fullmatch("-?[0-9]{1,9}", key):
            place = int(key)
            document = document[place] if -len(document) <= place < len(document) else None
        else:
            return None
    return document


def _squeezed(name: str) -> str:
    return _SEPARATORS.sub("", name.lower())


def _lines(text: str) -> str:
    """Return a text whose hidden characters are visible, on its lines."""
    return "\n".join(visible(line.replace("\t", "    ")) for line in text.splitlines())


def visible_lines(parts: Iterable[str]) -> str:
    """Return parts of a document as a text; `\\n` alone of all controls stays what it is."""
    return "\n".join(visible(line) for line in "".join(parts).split("\n"))


class _Writer:
    """Writes a document on lines while it is read, up to a number of characters."""

    def __init__(self, redactor: Redactor, shapes: bool, most: int) -> None:
        self.parts: list[str] = []
        self.hidden = False
        self._redactor, self._shapes, self._left = redactor, shapes, most
        self._closers: list[str] = []
        # How deep it is inside of something of which nothing is written.
        self._passed_over = 0
        self._name, self._wants_name, self._is_new = "", False, False

    def write(self, text: str) -> bool:
        """Write as much as there is room for; say whether there was more."""
        for kind, token in _tokens(text):
            if self._left <= 0:
                return True
            if self._passed_over:
                self._passed_over += (token in _OPEN) - (token in _CLOSE) if kind == "sign" else 0
            elif kind != "sign":
                self._scalar(kind, token)
            elif token in _OPEN:
                self._open(token)
            elif token in _CLOSE:
                self._close()
            elif token == ",":
                self._put(",")
                self._is_new, self._name = True, ""
                self._wants_name = self._closers[-1:] == ["}"]
            else:
                self._put(": ")
        return self._left <= 0 and bool(self._closers)

    def _open(self, token: str) -> None:
        self._begin()
        hidden = bool(self._name) and self._redactor.hides(self._name)
        if hidden or len(self._closers) >= DEEPEST:
            self.hidden |= hidden
            self._put(json.dumps(HIDDEN) if hidden else "…")
            self._passed_over, self._name = 1, ""
            return
        self._put(token)
        self._closers.append("}" if token == "{" else "]")
        self._name, self._wants_name, self._is_new = "", token == "{", True

    def _close(self) -> None:
        closer = self._closers.pop() if self._closers else ""
        if not self._is_new:
            self._put("\n" + "  " * len(self._closers))
        self._put(closer)
        self._is_new = self._wants_name = False

    def _scalar(self, kind: str, token: str) -> None:
        self._begin()
        if self._wants_name:
            self._name, self._wants_name = _unquoted(token), False
            self._put(token)
            return
        if self._name and self._redactor.hides(self._name) and token != "null":
            self.hidden = True
            token = json.dumps(HIDDEN)
        elif self._shapes:
            token = _shape(kind, token)
        elif kind == "text" and not _is_closed(token):
            token = "…"  # half of a secret cannot be told from something else
        elif kind == "text":
            text = _unquoted(token)
            shown = self._redactor.text(text)
            if shown != text and (HIDDEN in shown or len(text) > LONGEST_TEXT):
                self.hidden |= HIDDEN in shown
                token = json.dumps(shown, ensure_ascii=False)
        self._name = ""
        self._put(token)

    def _begin(self) -> None:
        """Go to the next line where a name, or a value without one, begins."""
        if self._is_new:
            self._put("\n" + "  " * len(self._closers))
            self._is_new = False

    def _put(self, text: str) -> None:
        shown = text if len(text) <= self._left else f"{text[: max(0, self._left)]}…"
        self.parts.append(shown)
        self._left -= len(text)


def _shape(kind: str, token: str) -> str:
    match kind:
        case "text":
            return f"text({len(_unquoted(token))})"
        case "number":
            return "null" if token == "null" else "true or false" if token in _BOOLS else "number"
    return token


def _is_closed(token: str) -> bool:
    return len(token) > 1 and token[-1] == '"' and _CLOSED.fullmatch(token) is not None


def _unquoted(token: str) -> str:
    for whole in (token, f'{token.rstrip(_ESCAPE)}"'):
        try:
            return str(json.loads(whole))
        except ValueError:  # it was cut
            continue
    return token.strip('"')


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while found := _TOKEN.match(text, place):
        if place == found.end():
            return
        place = found.end()
        if found[1] is not None:
            yield "text", found[1]
        elif found[2] is not None:
            yield "number", found[2]
        elif found[3] is not None:
            yield "sign", found[3]
