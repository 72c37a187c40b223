"""What is remembered of texts: bounded, and never told from what is worked out anew."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from governance.keys import Keyring
from governance.privacy import load_privacy
from governance.privacy.fields import Treatments
from governance.privacy.found import Found, Scanned
from governance.privacy.memory import Memory
from governance.privacy.policy import Treatment

POLICY, KEYS = load_privacy(), Keyring(b"p" * 32, b"i" * 32)
TREATMENTS = tuple(
    Treatment.model_validate(written)
    for written in (
        "scan", "scan prose", "keep", "id", "version", "url", "sql", "pseudonymise USER", "pseudonymise IP",
        "pseudonymise ACCOUNT", "generalise network", "generalise magnitude", "drop",
    )
)  # fmt: skip
TEXTS = (
    "10.2.3.4", "::ffff:10.2.3.4", "010.2.3.4", "1.2.3.4-beta", "/users/4711/a?b=c", "http://u:p@x.io/P000123?q=1",
    "select * from t where a = 'jane@x.org'", "Jane Doe <jane.doe@x.org>", "acct-7", "", " ", "4711", "user=bob",
)  # fmt: skip
SHARED = Treatments(POLICY, KEYS)  # of all examples: what came before must not matter

calls = st.lists(st.tuples(st.sampled_from(TREATMENTS), st.lists(st.sampled_from(TEXTS) | st.text(max_size=12))))


class _Upper:
    """Work that counts what it was asked for."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def __call__(self, texts: list[str]) -> Mapping[str, Scanned]:
        self.done += texts
        return {text: Scanned(text.upper(), {"USER": 1}, None, (Found(0, 1, "USER", text),)) for text in texts}


@given(calls)
@settings(deadline=None)
def test_a_result_never_depends_on_what_was_treated_before(told: list[tuple[Treatment, list[str]]]) -> None:
    for treatment, texts in told:
        assert SHARED.apply(texts, treatment) == Treatments(POLICY, KEYS).apply(texts, treatment)


def test_a_text_is_worked_on_once_for_each_work() -> None:
    memory, one, other = Memory(), _Upper(), _Upper()
    assert memory.recall("one", ["a", "b", "a"], one) == memory.recall("one", ["b", "a"], one)
    memory.recall("other", ["a"], other)
    assert (one.done, other.done) == (["a", "b"], ["a"])


def test_memory_is_bounded_and_keeps_what_is_asked_for_most() -> None:
    memory, work = Memory(100_000), _Upper()
    for number in range(5_000):
        results = memory.recall("one", ["often", f"once {number}"], work)
        assert results["often"].text == "OFTEN"
        assert memory.texts * 500 <= 100_000  # what an entry with a finding costs at least
    assert work.done.count("often") == 1


def test_a_text_as_large_as_the_memory_is_not_kept() -> None:
    memory, work = Memory(100_000), _Upper()
    memory.recall("one", ["x" * 50_000], work)
    assert memory.texts == 0
