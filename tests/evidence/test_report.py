"""The report: built from the chain alone, readable, and safe to open."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.manifest import make_entry
from app.core.types import EntryKind, Json
from app.evidence.report_data import Summary, build_report
from app.evidence.report_html import Kind, clock, dial, kinds, length, render_html, said, size, timeline, utc
from tests.evidence.sample_chain import START_MS, sample_chain

VERIFIED: dict[str, Json] = {
    "ok": True,
    "entries": 21,
    "head": "ab" * 32,
    "sealed": True,
    "signature_ok": True,
    "problems": [],
}


@pytest.fixture
def summary() -> Summary:
    return build_report(sample_chain(), verification=VERIFIED, state="uploading", generated_utc_ms=START_MS + 70_000)


def no_media(_sha: str) -> str | None:
    return None


def part(summary: Summary, name: str) -> dict[str, Json]:
    value = summary.data[name]
    assert isinstance(value, dict)
    return value


def rows(summary: Summary, name: str) -> list[dict[str, Json]]:
    value = summary.data[name]
    assert isinstance(value, list)
    return [row for row in value if isinstance(row, dict)]


def test_times_count_from_the_start_of_monitoring_to_the_finish(summary: Summary) -> None:
    assert summary.data["duration_ms"] == 60_000
    assert summary.data["started_utc_ms"] == START_MS
    assert part(summary, "attempt")["ended_because"] == "by the page"
    assert [(v["code"], v["start_ms"], v["end_ms"]) for v in summary.violations][:2] == [
        (5101, 6000, 9000),
        (5001, 15_000, 21_000),
    ]


def test_every_point_lost_is_explained(summary: Summary) -> None:
    trust = part(summary, "trust")
    contributions = trust["contributions"]
    assert isinstance(contributions, list)
    points = [c["points"] for c in contributions if isinstance(c, dict)]
    lost = sum(p for p in points if isinstance(p, float))
    assert summary.score == pytest.approx(100 - lost, abs=0.05)
    assert trust["score"] == summary.score


def test_a_violation_carries_its_picture_its_clip_and_an_innocent_explanation(summary: Summary) -> None:
    away = summary.violations[0]
    assert (away["snapshot"], away["clip"], away["detail"]) == ("a" * 64, "c" * 64, "to the left")
    assert "usual" in str(away["innocent"])
    assert summary.violations[2]["cut_short"] is True


def test_discarded_segments_are_recorded_but_not_kept(summary: Summary) -> None:
    camera = rows(summary, "streams")[0]
    assert (camera["segments"], camera["kept_segments"], camera["recorded_ms"]) == (3, 2, 24_000)


def test_both_sessions_are_there_with_what_the_second_lacked(summary: Summary) -> None:
    first, second = rows(summary, "sessions")
    assert (first["start_ms"], first["end_ms"]) == (-2000, 10_000)
    assert (second["start_ms"], second["end_ms"]) == (40_000, 60_000)
    assert second["missing_protections"] == ["Text consoles can't be blocked."]


def test_missing_time_costs_once_however_many_streams_miss_it(summary: Summary) -> None:
    contributions = part(summary, "trust")["contributions"]
    assert isinstance(contributions, list)
    gap = next(c for c in contributions if isinstance(c, dict) and c["violation"] is None)
    assert gap["why"] == "27% of the monitoring is missing"  # 2 s + 14 s of 60 s


def test_other_weights_give_another_score_from_the_same_chain(summary: Summary) -> None:
    again = build_report(
        sample_chain(), verification=VERIFIED, state="x", generated_utc_ms=0, weights={5001: 60.0, 5119: 0.0}
    )
    assert again.score != summary.score
    assert again.violations == summary.violations


def test_an_attempt_that_never_began_still_makes_a_report() -> None:
    summary = build_report(sample_chain()[:1], verification=VERIFIED, state="aborted", generated_utc_ms=0)
    assert (summary.violations, summary.score, summary.data["duration_ms"]) == ([], 100.0, 0)
    assert "Nothing was seen" in render_html(summary.data, no_media)


def test_the_page_shows_what_was_seen_and_links_only_to_its_media(summary: Summary) -> None:
    page = render_html(summary.data, lambda sha: f"media/{sha}")
    assert "more than one face" in page
    assert "Sample Candidate" in page
    assert f'src="media/{"c" * 64}"' in page
    assert 'poster="media/' in page
    assert set(re.findall(r'(?:src|href|poster)="([^"#]+)"', page)) == {f"media/{c * 64}" for c in "acf"}
    assert "<script" not in page


def test_hostile_text_stays_text(summary: Summary) -> None:
    hostile = "<script>alert(1)</script>\"' onerror=x"
    candidate = part(summary, "candidate")
    candidate["name"] = hostile
    summary.violations[0]["detail"] = hostile
    page = render_html(summary.data, no_media)
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 2


def test_the_page_survives_a_report_with_nothing_in_it() -> None:
    assert "<h1>" in render_html({}, no_media)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("violations", "gaps", "streams", "events", "sessions", "trust", "verification", "duration_ms", "photo")


@given(st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_no_submitted_report_breaks_the_page(report: dict[str, Json]) -> None:
    assert "</html>" in render_html(report, lambda sha: sha)


@given(
    st.sampled_from(("violations", "gaps", "streams", "events", "sessions")),
    st.dictionaries(st.sampled_from(("start_ms", "end_ms", "code", "severity", "spans", "stream", "id")), json_values),
)
def test_no_submitted_row_breaks_the_page(name: str, row: dict[str, Json]) -> None:
    assert "</html>" in render_html({name: [row], "duration_ms": 1000}, lambda sha: sha)


def test_the_timeline_has_a_row_per_stream_and_per_kind_of_violation(summary: Summary) -> None:
    made = timeline(summary.data)
    assert [r.label for r in made.rows] == [
        "Camera",
        "Microphone",
        "Screen",
        "no face",
        "more than one face",
        "looking away",
        "speech",
        "capture attempt",
    ]
    missing = [bar for bar in made.rows[1].bars if bar.level == "gap"]
    assert [(round(b.x), round(b.width)) for b in missing] == [(367, 33)]
    assert made.ticks[-1] == (1000.0, "1:00")


@pytest.mark.parametrize("duration_ms", [1, 90_000, 3 * 3600_000, 86_400_000, 10**15])
def test_the_timeline_has_few_marks_however_long_a_report_claims_to_be(duration_ms: int) -> None:
    ticks = timeline({"duration_ms": duration_ms}).ticks
    assert 1 <= len(ticks) <= 10
    assert all(0 <= x <= 1000 for x, _ in ticks)


def test_a_short_violation_can_still_be_seen_and_clicked(summary: Summary) -> None:
    bar = timeline(summary.data).rows[-1].bars[0]
    assert (bar.width, bar.href) == (4.0, "#v2-1")


def test_the_summary_counts_each_kind_once_the_gravest_first() -> None:
    seen: list[dict[str, Json]] = [
        {"id": "1-1", "code": 5101, "name": "looking away", "severity": 0.3},
        {"id": "1-2", "code": 5002, "name": "more than one face", "severity": 0.8},
        {"id": "1-3", "code": 5101, "name": "looking away", "severity": 0.4},
    ]
    assert kinds(seen) == [
        Kind("more than one face", 1, "#v1-2", "high"),
        Kind("looking away", 2, "#v1-3", "medium"),
    ]


@pytest.mark.parametrize(("score", "shown"), [(100.0, "100"), (84.7, "84.7"), (0.0, "0")])
def test_the_score_fits_into_its_ring(score: float, shown: str) -> None:
    assert dial(score)["shown"] == shown


@pytest.mark.parametrize(
    ("shown", "want"),
    [
        (clock(61_000), "1:01"),
        (clock(-2000), "-0:02"),
        (clock(3_661_000), "1:01:01"),
        (length(10), "a moment"),
        (length(2500), "2.5 s"),
        (length(65_000), "1 min 5 s"),
        (length(3_700_000), "1 h 1 min"),
        (size(999), "999 bytes"),
        (size(1_500_000), "1.5 MB"),
        (size(2_500_000_000), "2.5 GB"),
        (utc(None), "–"),
        (utc(0), "–"),
    ],
)
def test_measures_are_said_as_people_say_them(shown: str, want: str) -> None:
    assert shown == want


def test_after_a_restart_the_environment_still_shows_the_checks_that_were_made(summary: Summary) -> None:
    restarted = [
        make_entry(e.prev, e.seq, e.kind, e.at, {**e.body, "checks": []})
        if e.kind is EntryKind.SESSION and e.body["session"] == 2
        else e
        for e in sample_chain()
    ]
    again = build_report(restarted, verification={}, state="done", generated_utc_ms=START_MS)
    assert part(again, "environment")["checks"] == part(summary, "environment")["checks"] != []


def test_the_environment_names_the_build_that_wrote_the_evidence() -> None:
    build: dict[str, Json] = {"version": "0.1.0", "hash": "ab" * 32, "kind": "packaged"}
    written = [
        make_entry(e.prev, e.seq, e.kind, e.at, {**e.body, "build": build}) if e.kind is EntryKind.SESSION else e
        for e in sample_chain()
    ]
    made = build_report(written, verification={}, state="done", generated_utc_ms=START_MS)
    assert part(made, "environment")["build"] == build


def test_the_log_says_what_a_newer_key_changed_and_what_of_it_was_refused() -> None:
    update: dict[str, Json] = {
        "event": "key_update",
        "t_ms": 5,
        "status": "partly",
        "serial": 2,
        "applied": [{"path": "exam.duration_min", "old": 20, "new": 45}],
        "refused": [{"path": "capture.screen", "reason": "can't change while the exam runs"}],
    }
    assert said(update) == (
        "key update: status partly, serial 2, applied exam.duration_min: 20 to 45, "
        "refused capture.screen, since it can't change while the exam runs"
    )
    assert said({"event": "key_update", "applied": "x", "refused": [1, None]}) == "key update: applied x"
