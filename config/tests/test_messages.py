"""Chinese readers find no English: the committed catalogue is whole, sound and compiled."""

import gettext
import re
from pathlib import Path

from django.conf import settings

CATALOGUE = Path(settings.BASE_DIR) / "locale" / "zh_Hans" / "LC_MESSAGES"
CONTEXT = " <- "
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


def entries() -> list[tuple[str, list[str], bool]]:
    """(message with its context, if it has one; its translations; whether it is marked fuzzy), without the header."""
    found = []
    for block in (CATALOGUE / "django.po").read_text().split("\n\n")[1:]:
        lines = [line for line in block.splitlines() if line and not line.startswith("#~")]
        fuzzy = any(line.startswith("#,") and "fuzzy" in line for line in lines)
        text = "\n".join(line for line in lines if not line.startswith("#"))
        parts = re.findall(r'^(msgctxt|msgid|msgstr(?:\[\d\])?) ((?:".*"\n?)+)', text, re.MULTILINE)
        words = [(kind, "".join(re.findall(r'"(.*)"', quoted))) for kind, quoted in parts]
        message = CONTEXT.join(word for kind, word in words if kind in ("msgctxt", "msgid"))
        found.append((message, [word for kind, word in words if kind.startswith("msgstr")], fuzzy))
    return found


def test_every_message_is_translated():
    assert [message for message, translations, fuzzy in entries() if fuzzy or not all(translations)] == []


def test_translations_keep_the_placeholders():
    def wrong(message: str, translation: str) -> bool:
        return set(PLACEHOLDER.findall(message)) != set(PLACEHOLDER.findall(translation))

    singles = [(message, translations[0]) for message, translations, _ in entries() if len(translations) == 1]
    assert [message for message, translation in singles if wrong(message, translation)] == []


def test_the_compiled_catalogue_is_the_committed_one():
    with (CATALOGUE / "django.mo").open("rb") as compiled:
        texts = gettext.GNUTranslations(compiled)
    plain = {message: words[0] for message, words, _ in entries() if len(words) == 1 and "\\" not in message}
    assert {message: _compiled(texts, message) for message in plain} == plain


def _compiled(texts: gettext.GNUTranslations, message: str) -> str:
    """What a message reads in Chinese; before the separator stands its context."""
    context, separator, words = message.rpartition(CONTEXT)
    return texts.pgettext(context, words) if separator else texts.gettext(message)


def test_the_theme_speaks_chinese_too():
    messages = {message for message, _, _ in entries()}
    assert "Type to search" in messages or "Search apps and models..." in messages


def test_no_text_is_built_before_it_is_translated():
    """gettext cannot find an f-string."""
    house = Path(settings.BASE_DIR)
    sources = [path for app in house.glob("*/apps.py") for path in app.parent.rglob("*.py")]
    assert [str(path) for path in sources if re.search(r"""\b_\(\s*f["']""", path.read_text())] == []
