// The page API. One file, run before any script of the page in two worlds of the same document:
//
//   page   the page's own world: gives it window.invigil and the monitoring events
//   app    our isolated world: talks to the client over QWebChannel
//
// The worlds share the DOM only, and talk by events under a name that the page can't guess. All
// that the page can ask for is to finish; the client checks and limits that once more.
//
// The page may replace any global or prototype after we ran. So everything used later is captured
// here, objects of ours have no prototype, and nothing of the page's runs while an event of ours
// is being dispatched (window.event would show it).
"use strict";

function invigilPageApi(config) {
  const apply = Reflect.apply;
  const freeze = Object.freeze;
  const parse = JSON.parse;
  const stringify = JSON.stringify;
  const NewCustomEvent = CustomEvent;
  const dispatchEvent = EventTarget.prototype.dispatchEvent;
  const addEventListener = EventTarget.prototype.addEventListener;
  const detailOf = Object.getOwnPropertyDescriptor(CustomEvent.prototype, "detail").get;
  const later = window.setTimeout.bind(window);
  const target = window;

  const listen = (name, handler) => apply(addEventListener, target, [config.channel + name, handler]);
  const read = (event) => apply(detailOf, event, []);
  const tell = (name, text) =>
    apply(dispatchEvent, target, [new NewCustomEvent(config.channel + name, { __proto__: null, detail: text })]);

  // The client inserts us twice, because QtWebEngine now and then forgets one of the two.
  if (config.world === "page" ? "invigil" in window : ranBefore()) return;
  if (config.world === "app-frame") noDragsOut();
  else if (config.world === "page-frame") noPeerConnections();
  else if (config.origins.includes(location.origin)) config.world === "page" ? pageWorld() : appWorld();

  // Our isolated world has globals of its own, but keeps them when a frame's first, empty document
  // is replaced. Running "page-frame" twice does no harm.
  function ranBefore() {
    if (config.world === "page-frame") return false;
    const key = `invigil-${config.world}`;
    if (globalThis[key] === document) return true;
    globalThis[key] = document;
    return false;
  }

  // ---- in every frame

  // Elements that the page itself made draggable stay so: questions use them.
  function noDragsOut() {
    const closest = Element.prototype.closest;
    const prevent = (event) => {
      const element = event.target;
      if (!(element instanceof Element && apply(closest, element, ['[draggable="true"]']))) event.preventDefault();
    };
    apply(addEventListener, target, ["dragstart", prevent, true]);
  }

  // A peer connection would reach hosts that the exam's URL rules never see.
  function noPeerConnections() {
    for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "RTCDataChannel"]) delete window[name];
  }

  // ---- the page's world

  function pageWorld() {
    const NewEvent = Event;
    const NewPromise = Promise;
    const NewError = Error;
    const toText = String;
    const slice = String.prototype.slice;
    const now = performance.now.bind(performance);
    const waiting = { __proto__: null };
    let calls = 0;
    let windowStart = 0;
    let windowCalls = 0;

    function finish(reason) {
      const text = reason === undefined ? "" : apply(slice, toText(reason), [0, config.reasonMax]);
      return new NewPromise((resolve, reject) => {
        if (now() - windowStart > config.windowMs) {
          windowStart = now();
          windowCalls = 0;
        }
        windowCalls += 1;
        if (windowCalls > config.callsMax) {
          reject(new NewError("Too many calls; wait a few seconds and try again."));
          return;
        }
        calls += 1;
        waiting[calls] = { __proto__: null, resolve, reject };
        tell(":call", '{"id":' + calls + ',"method":"finish","reason":' + stringify(text) + "}");
      });
    }

    // Handlers of the page run in tasks of their own: never inside our dispatch.
    listen(":answer", (event) => {
      const { id, error } = parse(read(event));
      const caller = waiting[id];
      delete waiting[id];
      if (caller) later(() => (error ? caller.reject(new NewError(error)) : caller.resolve(true)), 0);
    });
    listen(":event", (event) => {
      const { name, detail } = parse(read(event));
      later(() => {
        const native = detail === null ? new NewEvent(name) : new NewCustomEvent(name, { __proto__: null, detail });
        apply(dispatchEvent, target, [native]);
      }, 0);
    });

    Object.defineProperty(window, "invigil", {
      value: freeze({ __proto__: null, version: config.version, finish: freeze(finish) }),
      enumerable: true,
      writable: false,
      configurable: false,
    });
  }

  // ---- our isolated world

  function appWorld() {
    let client = null;
    let unsent = [];

    let ready = false;
    const seen = new Set();

    const call = (text) => {
      if (client === null) {
        if (unsent.length < config.callsMax) unsent.push(text);
        return;
      }
      client.call(text, (answer) => tell(":answer", answer));
    };
    listen(":call", (event) => call(String(read(event))));

    // What comes before the page's own scripts listen is not acknowledged, so it is sent again.
    const hear = (text) => {
      const message = JSON.parse(text);
      if (!ready || seen.has(message.seq)) return;
      seen.add(message.seq);
      client.heard(message.seq);
      tell(":event", text);
    };
    const pageIsReady = () => {
      if (ready) return;
      ready = true;
      client.pageReady(location.origin);
    };

    new QWebChannel(qt.webChannelTransport, (channel) => {
      client = channel.objects.invigil;
      client.told.connect(hear);
      unsent.forEach(call);
      unsent = [];
      // Deferred scripts of the page run while it is "interactive", before DOMContentLoaded; when that
      // has passed already, only the load event is left to wait for.
      const soon = () => ready || setTimeout(pageIsReady, 0);
      if (document.readyState === "complete") soon();
      else {
        document.addEventListener("DOMContentLoaded", soon, { once: true });
        window.addEventListener("load", soon, { once: true });
      }
    });
  }
}
