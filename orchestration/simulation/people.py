"""People whom texts name: greetings, signatures, colleagues, with the towns and companies that stand beside them.

The words around them name no service, so that a ticket is about what its complaint is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

import numpy as np

# Given and family names that go together; all origins are as likely.
_ORIGINS: tuple[tuple[str, str], ...] = (
    ("Emily James Hannah Oliver Charlotte Thomas", "Whitfield O'Connor Hargreaves McAllister Thornton Pritchard"),
    ("Katarzyna Paweł Agnieszka Tomasz Zofia Łukasz", "Wiśniewska Zieliński Kamińska Wójcik Lewandowska Mazur"),
    ("Oluwaseun Chidinma Ngozi Emeka Adaeze Tunde", "Adebayo Okonkwo Nwosu Balogun Eze Olawale"),
    ("Priya Arjun Lakshmi Vikram Ananya Rohit", "Raman Chaudhary Venkatesan Iyer Deshpande Mukherjee"),
    ("Jean-Pierre Amélie Étienne Margaux Thibault Élodie", "Lefèvre Beaumont Girard Fontaine Delacroix Marchand"),
    ("Wolfgang Annegret Jürgen Friederike Matthias Ute", "Schönfeld Brandt Hoffmeister Krüger Lindemann Vogt"),
    ("María José Alejandro Lucía Ximena Joaquín", "Hernández Ibáñez Villanueva Ortega Zamora Peñalver"),
    ("Giulia Matteo Francesca Lorenzo Beatrice Riccardo", "Esposito Lombardi Ferrara Galli Conti De-Luca"),
    ("Yuki Haruto Sakura Kenji Naoko Takashi", "Takahashi Watanabe Yoshida Kobayashi Fujimoto Hayashi"),
    ("Wei Xiaoming Mei Jianguo Lihua Zhen", "Zhang Huang Zhao Liang Deng Xu"),
    ("Minjun Seoyeon Jihoon Hyejin Dongwook Soyoung", "Kim Park Choi Jung Kang Yoon"),
    ("Fatima Youssef Layla Khalid Nour Tariq", "Al-Masri Haddad El-Sayed Benali Khoury Mansour"),
    ("Aylin Mehmet Zeynep Emre Elif Burak", "Yılmaz Demir Öztürk Şahin Aydın Çelik"),
    ("Svetlana Nikolai Anastasia Mikhail Oksana Taras", "Kuznetsova Morozov Shevchenko Volkov Bondarenko Sokolov"),
    ("Ingeborg Håkon Sigrid Bjørn Astrid Sven", "Lindqvist Nygård Halvorsen Sørensen Bergström Dahl"),
    ("Nguyen Linh Thao Duc Huong Minh", "Tran Pham Hoang Bui Dang Truong"),
)
CITIES: tuple[str, ...] = ("Berlin", "Lyon", "Kraków", "Lagos", "Osaka", "Toronto", "Manchester", "Izmir", "Pune",
                           "Rotterdam", "Bergen", "Valencia", "Porto Alegre", "Milwaukee", "Graz")  # fmt: skip
ORGANISATIONS: tuple[str, ...] = (
    "Northwind Tools", "Brightwater Dental", "Okafor & Sons", "Lindqvist Möbel AB", "Castillo Foods", "Weber Optik",
    "Harbour Street Books", "Tanaka Bicycles", "Red Maple Bakery", "Moreau Frères", "Silva Textiles Ltd",
)  # fmt: skip
_PLACES: Mapping[str, tuple[str, ...]] = {"city": CITIES, "organisation": ORGANISATIONS}

# What an end-user writes around a complaint, and around an answer.
_OPENINGS = ("Hi,", "Hello,", "Dear support team,", "Hi {agent_given},", "Hello {agent_given},", "Dear {agent},")
_ASIDES = (
    "I spoke with {person} about it last week.",
    "My colleague {person} sees the same on her screen.",
    "{person} from our office in {city} told me to write to you.",
    "Please reply to {person} as well, I am away until Monday.",
    "We are {organisation} in {city}, {person} is responsible for orders here.",
    "Last time {person} of your team could help within a day.",
    "I already wrote to {person} in March.",
    "Our manager {person} asks me about it every day.",
    "You can also ask for {given} at our reception in {city}.",
    "My name is {requester} and I buy for {organisation}.",
    "This is {requester} from {organisation}, {city}.",
)
_LATER_ASIDES = (
    "{person} saw it too.", "I asked {person} in {city}, it is the same there.", "{given} has a picture of it.",
    "Please call {person}, who was there.",
)  # fmt: skip
_SIGNATURES = (
    "Best regards,\n{requester}", "Kind regards\n{requester}\n{organisation}, {city}", "Thanks,\n{requester_given}",
    "-- \n{requester}\n{organisation}", "Regards, {requester}", "Many thanks, {requester_given}",
)  # fmt: skip
# What an agent writes to them, and to colleagues.
_ADDRESSES = ("Hi {requester_given},", "Hello {requester},", "Dear {requester},", "Hello,")
_REFERRALS = (
    "{person} from our engineering team looks at it.", "I have asked {person} about it.",
    "Your contact for this is {person} now.",
)  # fmt: skip
_AGENT_SIGNATURES = ("Kind regards,\n{agent}", "{agent}\nCustomer Care", "Best,\n{agent_given}")
_INTERNAL = ("{person} knows more.", "Spoke with {person}, who saw it before.", "Assigned to {person}.")


@dataclass(frozen=True)
class Person:
    """Somebody with a login in the ticket system."""

    id: int
    name: str
    email: str
    role: str
    organization_id: int | None


@dataclass(frozen=True)
class Told:
    """A text, and the names of people in it as they are written there."""

    text: str
    names: tuple[str, ...]


def complaint(body: str, requester: Person, agent: Person, rng: np.random.Generator) -> Told:
    """What somebody writes first: most greet or sign, half name somebody."""
    parts = _some(_OPENINGS, 0.6, rng), _some(_ASIDES, 0.5, rng), _some(_SIGNATURES, 0.65, rng)
    return _written(body, parts, requester, agent, rng)


def answer(body: str, requester: Person, agent: Person, rng: np.random.Generator) -> Told:
    """What they write later."""
    parts = "", _some(_LATER_ASIDES, 0.35, rng), _some(_SIGNATURES, 0.4, rng)
    return _written(body, parts, requester, agent, rng)


def reply(body: str, requester: Person, agent: Person, rng: np.random.Generator) -> Told:
    """What an agent writes to them."""
    parts = _some(_ADDRESSES, 0.8, rng), _some(_REFERRALS, 0.3, rng), _some(_AGENT_SIGNATURES, 0.8, rng)
    return _written(body, parts, requester, agent, rng)


def internal(body: str, requester: Person, agent: Person, rng: np.random.Generator) -> Told:
    """What an agent writes to colleagues alone."""
    return _written(body, ("", _some(_INTERNAL, 1, rng), ""), requester, agent, rng)


def full_name(rng: np.random.Generator) -> str:
    """Somebody's given and family name."""
    return " ".join(_given_and_family(rng))


def _given_and_family(rng: np.random.Generator) -> tuple[str, str]:
    given, family = (names.split() for names in _ORIGINS[int(rng.integers(len(_ORIGINS)))])
    return given[int(rng.integers(len(given)))], family[int(rng.integers(len(family)))]


def _written(
    body: str, parts: tuple[str, str, str], requester: Person, agent: Person, rng: np.random.Generator
) -> Told:
    """Greeting, body with an aside, and signature as one text; the body is taken as it is."""
    given, family = _given_and_family(rng)
    people = {
        "person": f"{given} {family}",
        "given": given,
        "requester": requester.name,
        "requester_given": requester.name.split()[0],
        "agent": agent.name,
        "agent_given": agent.name.split()[0],
    }
    places = {name: values[int(rng.integers(len(values)))] for name, values in _PLACES.items()}
    used = [name for part in parts for _, name, _, _ in Formatter().parse(part) if name]
    greeting, aside, signature = (part.format(**people, **places) for part in parts)
    text = "\n\n".join(part for part in (greeting, f"{body} {aside}".strip(), signature) if part)
    return Told(text, tuple(dict.fromkeys(people[name] for name in used if name in people)))


def _some(texts: tuple[str, ...], share: float, rng: np.random.Generator) -> str:
    """One of the texts for a share of the calls, nothing for the others."""
    chosen = texts[int(rng.integers(len(texts)))]
    return chosen if rng.random() < share else ""
