"""A greeting or a closing gives away the name beside it, whatever its origin, without the model."""

import pytest

from governance.privacy.scanner import Scanner

NAMED = [
    ("Hi {}, any news?", "Tove"),
    ("Hello {}\nthe export fails", "Katarzyna Wiśniewska"),
    ("Dear Mr. {}:", "O'Connor"),
    ("Hallo Frau Dr. {},\nes geht nicht", "Müller-Lüdenscheidt"),
    ("Sehr geehrter Herr {},", "von Braun"),
    ("<p>Chère {},</p>", "Étienne"),
    ("Olá {} !", "João"),
    ('{{"body":"Hola {},\\n\\nno funciona"}}', "José"),
    ('{{"body":"all good.\\n\\nThanks,\\n{}"}}', "Élodie Marchand"),
    ("Best regards,\n{}\nNorthwind Tools", "Adele T. Berg"),
    ("it works now.\n-- \n{}\n", "Seoyeon"),
    ("Many thanks, {}", "Jean-Pierre"),
    ("Viele Grüße\r\n{}\r\n", "Łukasz"),
    ("I cannot pay. Regards {}", "Tove Lind"),
    ("Regards,<br>{}<br>", "Ludwig van Beethoven"),
]
NOBODY = [
    "Hello World!",
    "Hi Team, it is down",
    "Dear customer, dear Customer, Dear Sir or Madam,",
    "Hi Kafka is down",
    "Kind regards,\nThe Support Team",
    "Thanks,\nCustomer Care",
    "bought at Best Buy\n",
    "---\nTraceback\n",
    "best effort\nDone\n",
]


@pytest.fixture(scope="module")
def scanner(policy, keys):
    return Scanner(policy, keys, with_names=False)


@pytest.mark.parametrize(("text", "name"), NAMED)
def test_the_name_in_a_greeting_or_a_closing_is_masked_and_nothing_else(scanner, keys, text, name):
    told = text.format(name)
    assert scanner.scan([told])[told].text == text.format(keys.pseudonym("PERSON", name.lower()))


@pytest.mark.parametrize("text", NOBODY)
def test_a_greeting_of_nobody_in_particular_stays(scanner, text):
    assert scanner.scan([text])[text].found == ()
