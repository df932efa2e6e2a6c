"""What each template says, and that no value of one can become a header or markup."""

from __future__ import annotations

from pathlib import Path

import pytest

from sheetport.features.mail import service
from sheetport.features.mail.model import Mail, MailStatus, Parcel
from sheetport.features.mail.service import rendering

FOLDER = Path(rendering.__file__).parents[1] / "templates"
TEMPLATES = sorted({path.stem for path in FOLDER.iterdir()} - {"base"})
LINK = "https://imports.example/space/us_sp_1?token=glk_x"
HOSTILE = 'Ada\r\nBcc: thief@example.com\n<img src=x onerror=1>"&'


def values_of(template: str, value: str) -> dict[str, object]:
    return {name: LINK if name.endswith("link") else value for name in rendering.names_of(template)}


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_template_is_two_texts_that_say_the_same(template: str) -> None:
    assert (FOLDER / f"{template}.txt").read_text().startswith("Subject: ")
    rendered = service.render(template, values_of(template, "Harbour"))
    assert 5 < len(rendered.subject) < 100
    assert rendered.text.strip()
    assert '<html lang="en"' in rendered.html
    assert 'name="viewport"' in rendered.html
    for link in {value for value in values_of(template, "Harbour").values() if value == LINK}:
        assert str(link) in rendered.text
        assert f'href="{link}"' in rendered.html
    assert "Harbour" not in repr(rendered)


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_value_becomes_a_header_or_markup(template: str) -> None:
    mail = Mail("us_acc_1", "us_ml_1", "ada@example.com", template, MailStatus.WAITING, 1, 0, 0)
    message = service.compose(Parcel(mail, "", values_of(template, HOSTILE)), "Imports <imports@sheetport.example>")
    assert message["Bcc"] is None
    assert sorted(message.keys()) == [
        "Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To",
    ]  # fmt: skip
    assert not {"\r", "\n"} & set(str(message["Subject"]))
    html = message.get_body(("html",))
    assert html is not None
    assert "<img" not in html.get_content()
    assert message["Message-ID"] == "<us_ml_1@sheetport.example>"
