"""Safe Exam Browser's settings as a policy."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.types import Json
from app.core.unlock import matches
from app.keys.policy_model import parse_policy
from app.keys.presets import laid_over
from app.keys.seb import Value, read_settings
from app.keys.seb.mapping import import_settings
from app.keys.seb.reasons import UNKNOWN, reason_for
from tests.fakes.policies import small_policy
from tests.fakes.seb_files import plist

SHA256 = hashlib.sha256(b"quit me").hexdigest()
RULES = """
<key>URLFilterEnable</key><{on}/>
<key>URLFilterRules</key><array>
  <dict><key>action</key><integer>1</integer><key>active</key><true/><key>expression</key><string>exams.example.org/*</string><key>regex</key><false/></dict>
  <dict><key>action</key><integer>0</integer><key>active</key><true/><key>expression</key><string>*.example.org/admin</string><key>regex</key><false/></dict>
  <dict><key>action</key><integer>1</integer><key>active</key><false/><key>expression</key><string>off.example.org</string><key>regex</key><false/></dict>
  <dict><key>action</key><integer>1</integer><key>active</key><true/><key>expression</key><string>^https://a\\.example</string><key>regex</key><true/></dict>
  <dict><key>action</key><integer>7</integer><key>active</key><true/><key>expression</key><string>a.example.org</string></dict>
  <dict><key>action</key><integer>1</integer><key>active</key><true/><key>expression</key><string>a b://[</string></dict>
</array>"""


def settings_of(inner: str) -> dict[str, Value]:
    return read_settings(plist(inner))


def reasons(settings: dict[str, Value]) -> dict[str, str]:
    return {line.source: line.reason for line in import_settings(settings).unmapped}


@pytest.mark.parametrize(
    ("settings", "policy"),
    [
        ({"startURL": "https://exams.example.org/a"}, {"exam": {"start_url": "https://exams.example.org/a"}}),
        ({"browserUserAgent": "Exam/1"}, {"browser": {"user_agent_suffix": "Exam/1"}}),
        ({"allowQuit": False}, {"lockdown": {"quit_always": False}}),
        ({"newBrowserWindowByLinkPolicy": 0}, {"browser": {"new_windows": "block"}}),
        ({"newBrowserWindowByScriptPolicy": 1}, {"browser": {"new_windows": "same_window"}}),
        ({"newBrowserWindowByScriptPolicy": 1, "newBrowserWindowByLinkPolicy": 0}, {"browser": {"new_windows": "block"}}),
        ({"createNewDesktop": False, "killExplorerShell": True}, {"lockdown": {"kiosk": True, "separate_desktop": False}}),
        ({"createNewDesktop": True}, {"lockdown": {"kiosk": True, "separate_desktop": True}}),
        ({"createNewDesktop": False, "killExplorerShell": False}, {"lockdown": {"kiosk": False, "separate_desktop": False}}),
        ({"createNewDesktop": False}, {}),
        ({"hookKeys": True}, {"lockdown": {"grab_keyboard": True}}),
        ({"allowedDisplaysMaxNumber": 1}, {"lockdown": {"single_monitor": True}}),
        ({"allowedDisplaysMaxNumber": 2}, {"lockdown": {"single_monitor": False}}),
        ({"systemAlwaysOn": False, "displayAlwaysOn": True}, {"lockdown": {"keep_awake": True}}),
        ({"allowScreenSharing": True, "allowScreenCapture": False},
         {"lockdown": {"content_protect": True}, "detection": {"rules": {"5112": {"enabled": False}}}}),
        ({"allowScreenCapture": True}, {"lockdown": {"content_protect": False}}),
        ({"allowScreenSharing": False},
         {"lockdown": {"content_protect": True}, "detection": {"rules": {"5112": {"response": "hold"}}}}),
        ({"allowVirtualMachine": True}, {"detection": {"rules": {"5113": {"enabled": False}}}}),
        ({"allowVirtualMachine": False}, {"detection": {"rules": {"5113": {"response": "warn"}}}}),
        ({"allowVirtualMachine": False, "hashedQuitPassword": SHA256.upper()},
         {"lockdown": {"unlock_password": f"sha256${SHA256}"}, "detection": {"rules": {"5113": {"response": "hold"}}}}),
        ({"hashedQuitPassword": ""}, {}),
        ({"hashedQuitPassword": "secret"}, {}),
        ({"enablePrintScreen": False}, {"detection": {"rules": {"5115": {"enabled": True}}}}),
        ({"enablePrintScreen": True}, {"detection": {"rules": {"5115": {"enabled": False}}}}),
        ({"enableInjected": True}, {"detection": {"rules": {"5123": {"enabled": False}}}}),
        ({"clipboardPolicy": 0}, {"lockdown": {"clipboard": False}}),
        ({"clipboardPolicy": 2, "enablePrivateClipboard": False}, {"lockdown": {"clipboard": True}}),
        ({"clipboardPolicy": 9, "enablePrivateClipboard": True}, {"lockdown": {"clipboard": True}}),
        ({"enableScreenProctoring": True, "screenProctoringScreenshotMinInterval": 2000}, {"capture": {"screen": True, "screen_fps": 0.5}}),
        ({"enableScreenProctoring": False, "screenProctoringScreenshotMinInterval": 2000}, {"capture": {"screen": False}}),
        ({"proctoringAIEnable": True, "proctoringDetectFaceYaw": False},
         {"detection": {"enabled": True, "rules": {"5101": {"enabled": False}}}, "capture": {"camera": True}}),
        ({"proctoringAIEnable": False, "proctoringDetectFaceYaw": True}, {"detection": {"enabled": False}}),
    ],
)  # fmt: skip
def test_what_has_a_counterpart_becomes_it(settings: dict[str, Value], policy: dict[str, Json]) -> None:
    assert import_settings(settings).policy == policy


def test_active_rules_of_the_simplified_syntax_are_taken_over_and_others_named() -> None:
    found = import_settings(settings_of(RULES.format(on="true")))
    assert found.policy == {"browser": {"allow": ["exams.example.org/*"], "block": ["*.example.org/admin"]}}
    why = {line.source: line.reason for line in found.unmapped}
    assert "switched off" in why["URLFilterRules[2]"]
    assert "Regular expressions" in why["URLFilterRules[3]"]
    assert "neither allows nor blocks" in why["URLFilterRules[4]"]
    assert "can't be read" in why["URLFilterRules[5]"]


def test_rules_of_a_filter_that_is_off_are_not_taken_over() -> None:
    found = import_settings(settings_of(RULES.format(on="false")))
    assert found.policy == {}
    assert sum("URLFilterEnable is off" in line.reason for line in found.unmapped) == 6


def test_active_prohibited_programs_of_all_systems_are_denied_once() -> None:
    process = (
        "<dict><key>active</key><{}/><key>executable</key><string>{}</string><key>os</key><integer>{}</integer></dict>"
    )
    entries = [
        ("true", "Skype.exe", 1),
        ("true", "Skype", 0),
        ("true", "Skype", 0),
        ("false", "Word", 0),
        ("true", "", 0),
    ]
    inner = "".join(process.format(*entry) for entry in entries)
    found = import_settings(settings_of(f"<key>prohibitedProcesses</key><array>{inner}</array>"))
    assert found.policy == {"lockdown": {"denied_processes": ["Skype.exe", "Skype"]}}
    assert [line.source for line in found.unmapped] == ["prohibitedProcesses[3]", "prohibitedProcesses[4]"]


def test_a_program_is_denied_by_its_original_name_too_and_closed_where_it_is_to_be() -> None:
    found = import_settings(
        {
            "prohibitedProcesses": [
                {"active": True, "executable": "helper.exe", "originalName": "Recorder.exe", "strongKill": False},
                {"active": True, "executable": "", "originalName": "Recorder.exe"},
                {"active": True, "executable": "sha256:12"},
                {"active": False, "executable": "off.exe", "strongKill": True},
            ]
        }
    )
    assert found.policy == {"lockdown": {"denied_processes": ["helper.exe", "Recorder.exe"]}}
    assert [line.source for line in found.unmapped] == ["prohibitedProcesses[2]", "prohibitedProcesses[3]"]
    killed = import_settings({"prohibitedProcesses": [{"active": True, "executable": "a.exe", "strongKill": True}]})
    assert killed.policy == {
        "lockdown": {"denied_processes": ["a.exe"], "kill_processes": True},
        "detection": {"rules": {"5111": {"response": "close"}}},
    }


def test_a_permitted_program_may_show_windows_and_is_not_started() -> None:
    found = import_settings(
        {
            "permittedProcesses": [
                {"active": True, "executable": "calc.exe", "originalName": "CALC.EXE"},
                {"active": True},
            ]
        }
    )
    assert found.policy == {"lockdown": {"allowed_programs": ["calc.exe", "CALC.EXE"]}}
    assert [line.source for line in found.unmapped] == ["permittedProcesses[0]", "permittedProcesses[1]"]
    assert "starts no programs" in found.unmapped[0].reason


def test_a_quit_password_lets_a_held_exam_go_on_and_is_shown_nowhere_else() -> None:
    found = import_settings({"hashedQuitPassword": SHA256, "hashedAdminPassword": SHA256[::-1]})
    lockdown = found.policy["lockdown"]
    assert isinstance(lockdown, dict)
    assert matches(str(lockdown["unlock_password"]), "quit me")
    assert SHA256 not in str((found.mapped, found.unmapped))
    assert SHA256[::-1] not in str(found.to_json())
    assert "quick hash" in {line.source: line.reason for line in found.unmapped}["hashedQuitPassword"]


def test_a_virtual_machine_that_nobody_could_release_is_told_and_not_held() -> None:
    assert "nobody could let it go on" in reasons({"allowVirtualMachine": False})["allowVirtualMachine"]
    assert "allowVirtualMachine" not in reasons({"allowVirtualMachine": False, "hashedQuitPassword": SHA256})


def test_an_import_never_makes_a_practice_run() -> None:
    found = import_settings({"allowQuit": True, "hashedQuitPassword": ""})
    assert found.policy == {}
    assert "practice" in reasons({"allowQuit": True})["allowQuit"]


def test_a_value_of_another_kind_is_reported() -> None:
    assert reasons({"startURL": 7}) == {"startURL": "It is not a text, which it has to be."}
    assert reasons({"allowedDisplaysMaxNumber": True})["allowedDisplaysMaxNumber"].startswith(
        "It is not a whole number"
    )
    assert "list of dictionaries" in reasons({"URLFilterRules": ["a"]})["URLFilterRules"]


def test_an_unknown_setting_is_reported_as_such() -> None:
    assert reasons({"allowTimeTravel": True}) == {"allowTimeTravel": UNKNOWN}


@pytest.mark.parametrize(
    "name",
    [
        "hashedQuitPassword",
        "quitURL",
        "examKeySalt",
        "enablePrivateClipboardMacEnforce",
        "allowStickyKeys",
        "enableSessionVerification",
        "enableF12",
        "mobileStatusBarAppearance",
        "jitsiMeetRoom",
        "zoomRoom",
        "zoomMode",
        "sebServerURL",
        "proxies",
        "permittedProcesses",
        "allowSpellCheck",
        "showTaskBar",
        "insideSebEnableShutDown",
        "audioMute",
        "screenProctoringServiceURL",
        "browserUserAgentMac",
        "allowiOSVersionNumberMajor",
        "batteryChargeThresholdLow",
    ],
)
def test_settings_without_a_counterpart_have_a_reason_of_their_own(name: str) -> None:
    assert reason_for(name) != UNKNOWN
    assert reason_for(name).endswith(".")


def test_secrets_are_nowhere_in_the_result() -> None:
    secret = "5ecret"
    found = import_settings(
        {
            "hashedQuitPassword": secret,
            "hashedAdminPassword": secret,
            "screenProctoringClientSecret": secret,
            "zoomSDKToken": secret,
            "sebServerConfiguration": {"clientSecret": secret},
            "proxies": {"HTTPPassword": secret},
        }
    )
    assert secret not in str(found.to_json())


NAMES = st.sampled_from(
    [
        "startURL",
        "browserUserAgent",
        "allowQuit",
        "URLFilterEnable",
        "newBrowserWindowByLinkPolicy",
        "newBrowserWindowByScriptPolicy",
        "createNewDesktop",
        "killExplorerShell",
        "systemAlwaysOn",
        "displayAlwaysOn",
        "allowScreenSharing",
        "hookKeys",
        "allowVirtualMachine",
        "allowedDisplaysMaxNumber",
        "enableScreenProctoring",
        "screenProctoringScreenshotMinInterval",
        "proctoringAIEnable",
        "proctoringDetectFaceCount",
        "proctoringDetectTalking",
        "URLFilterRules",
        "prohibitedProcesses",
        "permittedProcesses",
        "hashedQuitPassword",
        "clipboardPolicy",
        "enablePrivateClipboard",
        "enablePrintScreen",
        "enableInjected",
        "proxies",
        "anything",
    ]
)
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "active": st.booleans(),
            "action": st.integers(0, 3),
            "regex": st.booleans(),
            "expression": st.text(),
            "executable": st.text(),
            "originalName": st.sampled_from(["Recorder.exe", "sha256:1", ""]),
            "strongKill": st.booleans(),
        },
    )
)
VALUES: st.SearchStrategy[Value] = st.one_of(
    st.booleans(), st.integers(-1, 3), st.integers(), st.text(), st.just(SHA256), st.floats(allow_nan=False), st.binary(), st.just(datetime.now(UTC)), ENTRIES
)  # fmt: skip


@given(st.dictionaries(NAMES | st.text(max_size=5), VALUES))
def test_every_setting_has_a_line_and_every_field_is_one(settings: dict[str, Value]) -> None:
    found = import_settings(settings)
    said = {line.source for line in found.mapped} | {line.source for line in found.unmapped}
    for name, value in settings.items():
        entries = len(value) if isinstance(value, list) else 0
        assert name in said or {f"{name}[{number}]" for number in range(entries)} <= said
    whole = laid_over(small_policy(), found.policy)
    for group in ("exam", "browser"):  # addresses and texts may be anything, and are judged when the key is issued
        whole[group] = small_policy().get(group, {})
    parse_policy(whole)
