"""Why a setting of Safe Exam Browser becomes no field of a policy. Names are SEB's, as it writes them."""

from __future__ import annotations

_GROUPS: tuple[tuple[str, str], ...] = (
    (
        "It says nothing of the exam.",
        """originatorVersion sebConfigPurpose sebMode configFileCreateIdentity configFileEncryptUsingIdentity
        useAsymmetricOnlyEncryption clientConfigKeepEncryption sebAllowedVersions backgroundOpenSEBConfig""",
    ),
    (
        "Nothing is opened by an administrator's password; a key is protected when it is issued.",
        "hashedAdminPassword",
    ),
    (
        "An exam is ended by handing in; the quit password lets a held exam go on.",
        "ignoreQuitPassword",
    ),
    (
        "Exam keys are Safe Exam Browser's own; invigil key config-key prints the Config Key of this file.",
        "sendBrowserExamKey browserExamKey browserURLSalt examKeySalt configKeySalt",
    ),
    (
        "The exam page or a proctor ends the exam; there is no address, key or password for it.",
        """quitURL quitURLConfirm quitURLRestart quitURLRestartExam ignoreExitKeys exitKey1 exitKey2 exitKey3 showQuitButton
        enableTouchExit""",
    ),
    (
        "There is no way back to the start page but the page's own links.",
        """restartExamURL restartExamText restartExamUseStartURL restartExamPasswordProtected showBackToStartButton
        startURLAllowDeepLink startURLAppendQueryParameter startResource""",
    ),
    (
        "All that the exam window loads goes through the same rules; addresses of embedded content belong into them.",
        """URLFilterEnableContentFilter URLFilterIgnoreList URLFilterMessage urlFilterTrustedContent
        newBrowserWindowByLinkBlockForeign newBrowserWindowByScriptBlockForeign""",
    ),
    (
        "It is an older form of URLFilterEnable and URLFilterRules, which count.",
        "enableURLFilter enableURLContentFilter blacklistURLFilter whitelistURLFilter urlFilterRegex",
    ),
    (
        "The exam window has one look, without bars, tabs, zoom or a reload button; it fills the screen in the kiosk.",
        """browserViewMode mainBrowserWindowWidth mainBrowserWindowHeight mainBrowserWindowPositioning
        newBrowserWindowByLinkWidth newBrowserWindowByLinkHeight newBrowserWindowByLinkPositioning
        newBrowserWindowAllowReload newBrowserWindowNavigation newBrowserWindowShowReloadWarning
        newBrowserWindowShowURL newBrowserWindowAllowAddressBar browserWindowAllowReload browserWindowAllowAddressBar
        browserWindowShowURL browserWindowTitleSuffix browserWindowWebView browserWindowWebViewClassicHideDeprecationNote
        enableBrowserWindowToolbar hideBrowserWindowToolbar showMenuBar showTaskBar showSideMenu taskBarHeight
        showReloadButton showReloadWarning showTime showInputLanguage showNavigationButtons showScanQRCodeButton
        showApplicationLogButton showScrollLockButton enableScrollLock touchOptimized enableZoomText enableZoomPage
        zoomMode defaultPageZoomLevel defaultTextZoomLevel allowBrowsingBackForward allowFind tabFocusesLinks
        lockScreenBackgroundColor oskBehavior browserScreenKeyboard enableDrawingEditor""",
    ),
    (
        "It is empty, or decides nothing in this file.",
        """startURL createNewDesktop killExplorerShell URLFilterRules prohibitedProcesses permittedProcesses
        hashedQuitPassword proctoringDetectFaceCount proctoringDetectFaceYaw proctoringDetectTalking""",
    ),
    ("Gaze and head are judged by one rule, 5101.", "proctoringDetectFacePitch"),
    ("Pages may run JavaScript.", "enableJavaScript"),
    ("New windows are browser.new_windows' matter, whoever asks for them.", "blockPopUpWindows"),
    (
        "Pages get no plug-ins, files, downloads, printing, spell checking or developer tools.",
        """enablePlugIns enableJava allowFlashFullscreen allowPDFPlugIn
        allowPDFReaderToolbar allowDownUploads allowDownloads allowUploads allowUploadsiOS openDownloads
        downloadDirectoryOSX downloadDirectoryWin downloadPDFFiles downloadAndOpenSebConfig downloadFileTypes
        chooseFileToUploadPolicy allowCustomDownUploadLocation useTemporaryDownUploadDirectory allowOpenAndSavePanel
        browserShowFileSystemElementPath allowPrint enableFindPrinter allowShareSheet allowSpellCheck
        allowSpellCheckDictionary allowDictionaryLookup additionalDictionaries allowDeveloperConsole
        browserConnectionErrorReload""",
    ),
    (
        "The exam page gets neither camera, microphone nor screen; the client itself records what capture.* says.",
        """allowVideoCapture allowAudioCapture browserMediaCaptureCamera browserMediaCaptureMicrophone
        browserMediaCaptureScreen browserMediaAutoplay browserMediaAutoplayAudio browserMediaAutoplayVideo""",
    ),
    (
        "Cookies and cache are deleted at the end of every exam.",
        """removeBrowserProfile removeLocalStorage examSessionClearCookiesOnStart examSessionClearCookiesOnEnd
        examSessionClearSessionCookies""",
    ),
    (
        "Another key replaces this one only if its issuer signed it.",
        "examSessionReconfigureAllow examSessionReconfigureConfigURL allowPreferencesWindow allowApplicationLog",
    ),
    (
        "lockdown.clipboard isolates the clipboard on every system; pages can't read it.",
        "enablePrivateClipboardMacEnforce",
    ),
    (
        "Sticky keys that are in use stay; lockdown.grab_keyboard switches off the hot key that turns them on.",
        "allowStickyKeys",
    ),
    (
        "Keys and mouse buttons can't be chosen one by one; lockdown.grab_keyboard blocks all ways out.",
        """enableEsc enableCtrlEsc enableAltEsc enableAltTab enableAltF4 enableStartMenu enableAltMouseWheel
        enableRightMouse enableRightMouseMac enableMiddleMouse enableF1 enableF2 enableF3 enableF4 enableF5 enableF6
        enableF7 enableF8 enableF9 enableF10 enableF11 enableF12 enableCursorVerification""",
    ),
    (
        "Other programs and files can't be opened inside an exam.",
        """additionalResources allowSwitchToApplications allowUserAppFolderInstall
        forceAppFolderInstall enableSebBrowser autoQuitApplications""",
    ),
    (
        "Running programs are always watched; detection.rules.5111.response and lockdown.kill_processes say what follows.",
        "monitorProcesses detectStoppedProcess terminateProcesses enableAppSwitcherCheck",
    ),
    (
        "Only their number can be asked for, by lockdown.single_monitor.",
        """allowedDisplayBuiltin allowedDisplayBuiltinEnforce allowedDisplayBuiltinExceptDesktop
        allowedDisplaysIgnoreFailure allowDisplayMirroring""",
    ),
    (
        "The system's proxy and certificates are used.",
        "proxies proxySettingsPolicy embeddedCertificates pinEmbeddedCertificates allowWlan",
    ),
    (
        "It steers a feature of macOS, iOS or Windows that this client does not touch.",
        """allowDictation allowSiri allowAirPlay allowUserSwitching allowMacOSVersionNumberCheckFull minMacOSVersion
        aacDnsPrePinning lockdownModePolicy enableChromeNotifications enableWindowsUpdate setVmwareConfiguration
        sebServicePolicy sebServiceIgnore
        screenSharingMacEnforceBlocked blockScreenShotsLegacy batteryChargeThresholdCritical batteryChargeThresholdLow""",
    ),
    (
        "Locking and sleep are no violation; another session on the screen is reported by rule 5005.",
        "disableSessionChangeLockScreen enableSessionVerification",
    ),
    (
        "Logs are kept in the user's data folder.",
        "enableLogging logLevel logDirectoryOSX logDirectoryWin logSendingRequiresAdminPassword",
    ),
    (
        "Proctors work at the backend; the policy's live.* says how they see the exam.",
        """remoteProctoringViewShow showProctoringViewButton raiseHandButtonShow raiseHandButtonAlwaysPromptMessage
        proctoringDetectFaceAngleDisplay proctoringDetectFaceCountDisplay proctoringDetectTalkingDisplay""",
    ),
    (
        "There is no message socket.",
        "browserMessagingSocket browserMessagingPingTime lockOnMessageSocketClose",
    ),
)

_PREFIXES: tuple[tuple[str, str], ...] = (
    ("browserUserAgent", "The browser's own user agent is sent, with browser.user_agent_suffix behind it."),
    ("sebServer", "SEB Server is another service; the policy's upload.* names the backend."),
    ("screenProctoring", "Screen proctoring of SEB is another service; capture.screen and upload.* take its place."),
    ("jitsiMeet", "Video conferences take no part; the policy's live.* says how proctors see the exam."),
    ("zoom", "Video conferences take no part; the policy's live.* says how proctors see the exam."),
    (
        "insideSeb",
        "What Windows shows on Ctrl+Alt+Del can't be chosen one by one: lockdown.grab_keyboard switches it off.",
    ),
    ("mobile", "It is for iOS, where this client does not run."),
    ("allowiOS", "It is for iOS, where this client does not run."),
    ("allowMacOS", "The client checks by itself whether it runs on this system."),
    ("accessibilityFeature", "The system's own accessibility features are left as they are."),
    ("audio", "The system's sound is left as it is."),
)

UNKNOWN = "It is not a setting of Safe Exam Browser that is known here."

_BY_NAME = {name: reason for reason, names in _GROUPS for name in names.split()}


def reason_for(name: str) -> str:
    """Why the setting of this name has no counterpart, as a sentence."""
    found = _BY_NAME.get(name)
    if found is not None:
        return found
    return next((reason for prefix, reason in _PREFIXES if name.startswith(prefix)), UNKNOWN)
