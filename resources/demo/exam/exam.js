// The sample exam. Questions stay hidden until monitoring runs; answers are kept in this browser's
// storage as they are given, so a reload or a restart of the client loses nothing.
"use strict";

const QUESTIONS = [
  {
    id: "password",
    kind: "one",
    text: "Which of these passwords would take longest to guess?",
    options: ["Summer2026!", "correct lantern violin glacier", "P@ssw0rd", "qwertzuiop123"],
  },
  {
    id: "phishing",
    kind: "many",
    text: "A message asks you to confirm your account today. Which of these are signs of a fraud?",
    options: [
      "The link leads to another domain than the sender’s",
      "It presses you to act within the hour",
      "It is written in your own language",
      "It asks for your password",
    ],
  },
  {
    id: "table",
    kind: "one",
    text: "In which month was the share of visitors who came back highest?",
    table: {
      caption: "Visitors of a library’s website",
      head: ["Month", "Visitors", "Came back"],
      rows: [["March", "4,000", "1,000"], ["April", "6,000", "1,200"], ["May", "5,000", "1,500"], ["June", "8,000", "2,000"]],
    },
    options: ["March", "April", "May", "June"],
  },
  {
    id: "storage",
    kind: "text",
    text: "A photo takes 4 megabytes. How many such photos fit on a 2-gigabyte card (1 GB = 1,000 MB)?",
    label: "Your answer, as a number",
    numeric: true,
  },
  {
    id: "licence",
    kind: "many",
    text: "A picture is licensed CC BY. What must you do when you use it in your presentation?",
    options: ["Name its author", "Pay a fee", "Name the licence", "Ask for permission by e-mail"],
  },
  {
    id: "essay",
    kind: "essay",
    text: "A friend shares news that you doubt. How would you check it before you pass it on? Give two steps and say why they help.",
    label: "Your answer (about 80 words)",
  },
];
const KIND_NAMES = { one: "Choose one answer", many: "Choose all that apply", text: "Short answer", essay: "Free text" };
const EXAM_NAME = "Digital literacy";
const DURATION_S = 20 * 60;
const STORE = "invigil-sample-exam-1";
const SAVE_AFTER_MS = 300;
const NOTE_MS = 7000;
const SHORT_OPTION = 8;
const PLAIN_BROWSER_AFTER_MS = 3000;

const byId = (id) => document.getElementById(id);
const state = { answers: {}, current: 0, ends_at_ms: null, started: false, finished: false };
let view = "waiting";
let saveTimer = null;

// ---- keeping answers

function restore() {
  let kept = null;
  try {
    kept = JSON.parse(localStorage.getItem(STORE));
  } catch {
    return false;
  }
  if (!kept || typeof kept.answers !== "object") return false;
  state.answers = { ...kept.answers };
  state.current = Math.min(Math.max(0, kept.current | 0), QUESTIONS.length - 1);
  state.ends_at_ms = Number.isFinite(kept.ends_at_ms) ? kept.ends_at_ms : null;
  return Object.keys(state.answers).length > 0;
}

function save() {
  clearTimeout(saveTimer);
  saveTimer = null;
  const { answers, current, ends_at_ms } = state;
  try {
    localStorage.setItem(STORE, JSON.stringify({ answers, current, ends_at_ms }));
    showSaved("saved", `Saved at ${new Date().toLocaleTimeString([], { hour12: false })}`);
  } catch {
    showSaved("failed", "Not saved: this browser keeps nothing");
  }
}

function saveSoon() {
  showSaved("saving", "Saving");
  clearTimeout(saveTimer);
  saveTimer = setTimeout(save, SAVE_AFTER_MS);
}

function showSaved(how, text) {
  const line = byId("saved");
  line.hidden = false;
  line.dataset.state = how;
  line.textContent = text;
}

function isAnswered(question) {
  const answer = state.answers[question.id];
  return Array.isArray(answer) ? answer.length > 0 : typeof answer === "string" && answer.trim() !== "";
}

function answer(question, value) {
  state.answers[question.id] = value;
  saveSoon();
  showProgress();
}

// ---- drawing

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function show(name) {
  view = name;
  document.body.dataset.view = name;
  for (const id of ["waiting", "exam", "review", "done"]) byId(id).hidden = id !== name;
  byId("timer").hidden = name === "waiting" || name === "done";
  showProgress();
}

function showProgress() {
  const done = QUESTIONS.filter(isAnswered).length;
  const place = {
    waiting: "Waiting for monitoring",
    exam: `Question ${state.current + 1} of ${QUESTIONS.length}`,
    review: "Review",
    done: "Finished",
  }[view];
  document.title = `${place} – ${EXAM_NAME}`;
  byId("progress-text").textContent = view === "waiting" ? "Sample exam" : `${place} · ${done} of ${QUESTIONS.length} answered`;
  byId("progress-bar").style.width = `${(100 * done) / QUESTIONS.length}%`;
  for (const [index, item] of [...byId("overview-list").children].entries()) {
    const button = item.firstElementChild;
    const answered = isAnswered(QUESTIONS[index]);
    button.toggleAttribute("data-answered", answered);
    button.setAttribute("aria-label", `Question ${index + 1}, ${answered ? "answered" : "open"}`);
    if (index === state.current && view === "exam") button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
  }
}

function drawQuestion() {
  const question = QUESTIONS[state.current];
  const fieldset = make("fieldset", {}, make("legend", { textContent: question.text }));
  if (question.table) fieldset.append(drawTable(question.table));
  fieldset.append(...(question.options ? drawChoices(question) : drawField(question)));
  const actions = make("div", { className: "actions" });
  if (state.current > 0) {
    const back = make("button", { type: "button", className: "plain", id: "previous", textContent: "Previous" });
    back.addEventListener("click", () => go(state.current - 1));
    actions.append(back);
  }
  const last = state.current === QUESTIONS.length - 1;
  actions.append(make("button", { type: "submit", className: "primary", id: "next", textContent: last ? "Review" : "Next" }));
  const kind = make("p", { className: "kind", textContent: `Question ${state.current + 1} · ${KIND_NAMES[question.kind]}` });
  byId("question").replaceChildren(kind, fieldset, actions);
}

function drawChoices(question) {
  const many = question.kind === "many";
  const labels = question.options.map((text, index) => {
    const input = make("input", { type: many ? "checkbox" : "radio", name: question.id, value: String(index) });
    const chosen = state.answers[question.id];
    input.checked = many ? Array.isArray(chosen) && chosen.includes(String(index)) : chosen === String(index);
    input.addEventListener("change", () => {
      const boxes = [...byId("question").querySelectorAll("input:checked")].map((box) => box.value);
      answer(question, many ? boxes : boxes[0]);
    });
    return make("label", { className: "choice" }, input, make("span", { textContent: text }));
  });
  const short = question.options.every((text) => text.length <= SHORT_OPTION);
  return [make("div", { className: short ? "choices short" : "choices" }, ...labels)];
}

function drawField(question) {
  const essay = question.kind === "essay";
  const label = make("label", { className: "kind", htmlFor: "field", textContent: question.label });
  const field = make(essay ? "textarea" : "input", { id: "field", className: "field", autocomplete: "off", spellcheck: false });
  field.maxLength = essay ? 4000 : 40;
  if (question.numeric) field.inputMode = "numeric";
  field.value = state.answers[question.id] ?? "";
  const count = make("p", { className: "count" });
  const tally = () => {
    const words = field.value.trim() ? field.value.trim().split(/\s+/).length : 0;
    count.textContent = essay ? `${words} ${words === 1 ? "word" : "words"}` : "";
  };
  field.addEventListener("input", () => {
    answer(question, field.value);
    tally();
  });
  field.addEventListener("keydown", (event) => {
    if (essay && event.key === "Enter" && event.ctrlKey) byId("question").requestSubmit();
  });
  tally();
  return [label, field, count];
}

function drawTable({ caption, head, rows }) {
  const table = make("table", { className: "figure" }, make("caption", { textContent: caption }));
  const heading = (text, scope) => make("th", { scope, textContent: text });
  table.append(make("thead", {}, make("tr", {}, ...head.map((text) => heading(text, "col")))));
  const body = rows.map(([first, ...cells]) =>
    make("tr", {}, heading(first, "row"), ...cells.map((text) => make("td", { textContent: text }))),
  );
  table.append(make("tbody", {}, ...body));
  return table;
}

function drawReview() {
  const open = QUESTIONS.filter((question) => !isAnswered(question)).length;
  byId("review-text").textContent = open
    ? `${open} ${open === 1 ? "question is" : "questions are"} still open. You can go back to any of them.`
    : "You have answered every question.";
  const items = QUESTIONS.map((question, index) => {
    const change = make("button", { type: "button", className: "plain", textContent: "Change" });
    change.setAttribute("aria-label", `Change question ${index + 1}`);
    change.addEventListener("click", () => go(index));
    const texts = make("div", { className: "review-question" }, question.text, make("div", { className: "given", textContent: given(question) }));
    const item = make("li", {}, make("span", { className: "number", textContent: `${index + 1}.` }), texts, change);
    item.toggleAttribute("data-open", !isAnswered(question));
    return item;
  });
  byId("review-list").replaceChildren(...items);
}

function given(question) {
  if (!isAnswered(question)) return "Not answered yet";
  const value = state.answers[question.id];
  if (!question.options) return value;
  return (Array.isArray(value) ? value : [value]).map((index) => question.options[index]).join(" · ");
}

// ---- moving

function go(index) {
  state.current = index;
  drawQuestion();
  show("exam");
  saveSoon();
  byId("announce").textContent = `Question ${index + 1} of ${QUESTIONS.length}`;
  focusAnswer();
}

function focusAnswer() {
  const controls = [...byId("question").querySelectorAll("input, textarea")];
  (controls.find((control) => control.checked) ?? controls[0])?.focus();
}

function review() {
  save();
  drawReview();
  show("review");
  byId("review-title").focus();
}

function start() {
  if (state.started || state.finished) return;
  state.started = true;
  const restored = restore();
  if (state.ends_at_ms === null || state.ends_at_ms < Date.now()) state.ends_at_ms = Date.now() + DURATION_S * 1000;
  go(state.current);
  save();
  if (restored) note("Your answers from before were restored.");
  setInterval(tick, 500);
  tick();
}

function tick() {
  if (state.finished) return;
  const left_s = Math.max(0, Math.ceil((state.ends_at_ms - Date.now()) / 1000));
  const text = `${Math.floor(left_s / 60)}:${String(left_s % 60).padStart(2, "0")}`;
  if (byId("time-left").textContent !== text) byId("time-left").textContent = text;
  byId("timer").toggleAttribute("data-low", left_s <= 120);
  if (left_s === 120 || left_s === 60) byId("announce").textContent = `${left_s / 60} minutes left`;
  if (left_s === 0) finish("time is up");
}

// ---- finishing

function askToFinish() {
  const open = QUESTIONS.filter((question) => !isAnswered(question)).length;
  byId("confirm-text").className = "";
  byId("confirm-text").textContent =
    (open ? `${open} ${open === 1 ? "question is" : "questions are"} not answered. ` : "") +
    "After this you can’t change your answers.";
  byId("confirm-yes").disabled = false;
  byId("confirm").showModal();
  byId("confirm-yes").focus();
}

async function finish(reason) {
  if (state.finished) return;
  state.finished = true;
  save();
  byId("confirm-yes").disabled = true;
  try {
    if (window.invigil) await window.invigil.finish(reason);
  } catch (error) {
    state.finished = false;
    byId("confirm-yes").disabled = false;
    byId("confirm-text").className = "failed";
    byId("confirm-text").textContent = `The exam could not be finished: ${error.message}`;
    if (reason === "time is up") setTimeout(() => finish(reason), 5000);
    return;
  }
  byId("confirm").close();
  done(
    window.invigil
      ? "Your answers are saved. The client now closes the exam and delivers what it recorded; please wait."
      : "This is an ordinary browser, so nothing was monitored or sent. Open the exam with Invigil to take it for real.",
  );
}

function done(text) {
  state.finished = true;
  byId("done-text").textContent = text;
  show("done");
  byId("done-title").focus();
}

// ---- what the client tells

function note(text) {
  const box = make("p", { className: "note", textContent: text });
  if (byId("notes").textContent === text) return;
  byId("notes").replaceChildren(box);
  setTimeout(() => box.remove(), NOTE_MS);
}

window.addEventListener("apMonitoringStarted", start);
window.addEventListener("apMonitoringStopped", () => {
  if (!state.started || state.finished) return;
  save();
  done("Monitoring has stopped. Your answers up to now are saved.");
});
window.addEventListener("apEvidenceEvent", (event) => {
  if (state.started && !state.finished && event.detail?.message) note(event.detail.message);
});
window.addEventListener("apErrorEvent", (event) => {
  if (!state.finished && event.detail?.message) note(event.detail.message);
});
window.addEventListener("pagehide", () => state.started && save());

document.addEventListener("DOMContentLoaded", () => {
  byId("overview-list").append(
    ...QUESTIONS.map((_, index) => {
      const button = make("button", { type: "button", textContent: String(index + 1) });
      button.addEventListener("click", () => go(index));
      return make("li", {}, button);
    }),
  );
  byId("question").addEventListener("submit", (event) => {
    event.preventDefault();
    if (state.current < QUESTIONS.length - 1) go(state.current + 1);
    else review();
  });
  byId("question").addEventListener("keydown", (event) => {
    const box = event.target;
    if (event.key === "Enter" && box.matches("input[type=radio], input[type=checkbox]")) {
      event.preventDefault();
      byId("question").requestSubmit();
    }
  });
  byId("to-review").addEventListener("click", review);
  byId("back-to-questions").addEventListener("click", () => go(state.current));
  byId("finish").addEventListener("click", askToFinish);
  byId("confirm-no").addEventListener("click", () => byId("confirm").close());
  byId("confirm-yes").addEventListener("click", () => finish("candidate"));
  byId("practise").addEventListener("click", start);
  show("waiting");
  if (window.invigil) return;
  setTimeout(() => {
    if (state.started) return;
    byId("waiting").toggleAttribute("data-plain-browser", true);
    byId("waiting-title").textContent = "This exam is monitored";
    byId("waiting-text").textContent =
      "You opened it in an ordinary browser. Open it with the Invigil client to take it; here you can only look around.";
    byId("practise").hidden = false;
  }, PLAIN_BROWSER_AFTER_MS);
});
