import hashlib
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workload import pipeline, verses
from workload.corrector import CACHE_WORDS, Corrector
from workload.lecture import synthetic_lecture
from workload.lexicon import WORD, Lexicon, lecture_lexicon
from workload.romanise import romanise
from workload.subtitles import Cue, parse, render

texts = st.lists(
    st.text(
        st.one_of(
            st.characters(min_codepoint=0x900, max_codepoint=0x97F),
            st.characters(codec="utf-8", exclude_characters="\r\n"),
        ),
        min_size=1,
    ).filter(str.strip),
    max_size=3,
).map("\n".join)


def test_the_lecture_is_the_same_on_every_platform() -> None:
    lecture = synthetic_lecture()
    assert hashlib.sha256(lecture.srt.encode()).hexdigest() == (
        "7ed57446d90b452a5afe6ca41ca22202484a9ff2bcee19998866cd411f897e6c"
    )
    assert (len(parse(lecture.srt)), lecture.misspelt) == (400, 352)


def test_another_seed_is_another_lecture_of_the_asked_length() -> None:
    other = synthetic_lecture(20, seed=1)
    assert len(parse(other.srt)) == 20
    assert other.srt != synthetic_lecture(20, seed=2).srt


def test_the_count_of_misspelt_words_is_the_count_of_differing_words() -> None:
    lecture = synthetic_lecture()
    pairs = zip(lecture.srt.split(), lecture.clean.split(), strict=True)
    assert sum(heard != meant for heard, meant in pairs) == lecture.misspelt


def test_golden_outcome_of_the_lecture() -> None:
    assert pipeline.run_lecture().outcome == (
        "400 cues, 336 corrections, "
        "sha256 df17b19a2e5f647966d9586fa1063a1a2b4790c2eb80cb43e3339685afa98dbc"
    )


def test_nineteen_in_twenty_misspelt_words_come_out_as_meant() -> None:
    lecture = synthetic_lecture()
    heard = pipeline.process_transcript(lecture.srt).text.split()
    meant = pipeline.process_transcript(lecture.clean)
    wrong = sum(a != b for a, b in zip(heard, meant.text.split(), strict=True))
    assert (meant.corrections, wrong) == (0, 20)


def test_the_warm_corrector_answers_as_a_new_one_does() -> None:
    cold = pipeline.process_transcript(synthetic_lecture().srt, Corrector(lecture_lexicon()))
    assert pipeline.run_lecture() == pipeline.run_lecture() == cold


def test_one_cue_is_processed_as_within_its_transcript() -> None:
    lecture = synthetic_lecture()
    whole = parse(pipeline.run_lecture().text)
    assert [pipeline.process_text(cue.text).text for cue in parse(lecture.srt)] == [
        cue.text for cue in whole
    ]
    assert pipeline.run_cue().text == "dharmakṣetre kurukṣetre samavetā yuyutsavaḥ |"


@given(texts)
def test_the_result_is_nfc_and_keeps_number_and_times(text: str) -> None:
    done = pipeline.process_transcript(render([Cue(3, 1000, 2000, text)]))
    assert unicodedata.is_normalized("NFC", done.text)
    (cue,) = parse(done.text)
    assert (cue.number, cue.start_ms, cue.end_ms) == (3, 1000, 2000)


def test_a_decomposed_letter_is_composed() -> None:
    assert pipeline.process_text("e\u0301tude").text == "\u00e9tude"


@pytest.mark.parametrize(
    ("devanagari", "iast"),
    [
        ("धर्मक्षेत्रे कुरुक्षेत्रे ।", "dharmakṣetre kurukṣetre |"),
        ("नरोऽपराणि ॥ १२ ॥", "naro'parāṇi || 12 ||"),
        ("plain English, ñ", "plain English, ñ"),
    ],
)
def test_romanisation(devanagari: str, iast: str) -> None:
    assert romanise(devanagari) == iast


@pytest.mark.parametrize(
    ("spelling", "wanted"),
    [
        ("धर्मः", "धर्मः"),  # known
        ("धर्मं", "धर्मम्"),  # known by its anusvara
        ("आचर्याः", "आचार्याः"),  # a lost vowel length
        ("गजा", "गजा"),  # too short to correct
        ("क्ष्ज्ञत्रङ", "क्ष्ज्ञत्रङ"),  # near nothing
    ],
)
def test_correction(spelling: str, wanted: str) -> None:
    assert Corrector(lecture_lexicon()).correct(spelling) == wanted


@given(st.text(st.characters(min_codepoint=0x900, max_codepoint=0x963), min_size=1, max_size=12))
def test_a_correction_is_a_word_of_the_lexicon_or_no_change(spelling: str) -> None:
    answer = pipeline.warm_corrector().correct(spelling)
    assert answer == spelling or answer in lecture_lexicon().words


def test_a_known_spelling_is_never_searched_for() -> None:
    corrector = Corrector(Lexicon(["धर्मः"]))
    corrector.correct("धर्मः")
    assert corrector._nearest.cache_info().misses == 0


def test_the_cache_is_bounded_and_holds_a_lecture() -> None:
    corrector = Corrector(lecture_lexicon())
    pipeline.process_transcript(synthetic_lecture().srt, corrector)
    info = corrector._nearest.cache_info()
    assert info.maxsize == CACHE_WORDS
    assert info.currsize == info.misses < CACHE_WORDS / 2


def test_every_verse_is_spelt_with_words_of_the_lexicon() -> None:
    lexicon = lecture_lexicon()
    words = [word for line in verses.LINES for word in WORD.findall(line)]
    assert len(words) > 100
    assert all(lexicon.standard_form(word) == word for word in words)


def test_the_path_without_its_server_does_not_load_the_mcp_sdk() -> None:
    code = "import sys, workload.pipeline; print('mcp' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(pipeline.__file__).parents[1])}
    printed = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)
    assert printed == "False\n"
