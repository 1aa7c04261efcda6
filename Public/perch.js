// Perch: keeps the page live. Everything works without it; forms are ordinary forms.
"use strict";

(() => {
  // The notice of the last action is read once; reloading the page must not repeat it.
  if (location.search.includes("done=")) history.replaceState(null, "", location.pathname);

  // A second press while the first is on its way would be answered twice.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || event.defaultPrevented) return;
    if (button.getAttribute("aria-disabled") === "true") {
      event.preventDefault();
      return;
    }
    button.setAttribute("aria-disabled", "true");
  });
  // The browser's back button shows the page as it was left.
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("button[aria-disabled]")) button.removeAttribute("aria-disabled");
  });

  const pollEvery = 3000;
  let source = null;
  let timer = 0;
  let shownStage = null;
  let lastTurn = 0;

  follow();

  // Follows the run of the page by its events, and everything else that is under way by asking again.
  function follow() {
    const live = document.getElementById("live");
    clearTimeout(timer);
    if (!live || live.dataset.live !== "yes") {
      stop();
      return;
    }
    const run = live.dataset.run;
    if (!run || !window.EventSource) {
      stop();
      timer = setTimeout(refresh, pollEvery);
      return;
    }
    const address = "/runs/" + encodeURIComponent(run) + "/events";
    if (source && source.url.endsWith(address)) return;
    stop();
    source = new EventSource(address);
    source.addEventListener("progress", (event) => show(JSON.parse(event.data)));
    source.addEventListener("end", () => {
      stop();
      refresh();
    });
    source.addEventListener("error", () => {
      // The browser connects again by itself unless the server refused.
      if (source && source.readyState === EventSource.CLOSED) {
        stop();
        timer = setTimeout(refresh, pollEvery);
      }
    });
  }

  function stop() {
    if (source) source.close();
    source = null;
    shownStage = null;
  }

  function show(report) {
    const text = document.getElementById("progress-text");
    const bar = document.getElementById("progress");
    if (text && bar) {
      if (text.textContent !== report.text) text.textContent = report.text;
      if (typeof report.percent === "number") bar.value = report.percent;
      else bar.removeAttribute("value");
    } else if (shownStage !== null && shownStage !== report.stage) {
      // A connect job shows its steps, which the server draws.
      refresh();
    }
    shownStage = report.stage;
  }

  // Fetches the page again and puts in what has changed. Of several on their way at once only the last one counts.
  async function refresh() {
    const turn = ++lastTurn;
    let page;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (answer.status === 401) {
        location.reload();
        return;
      }
      if (!answer.ok) throw new Error("status " + answer.status);
      page = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      if (turn !== lastTurn) return;
      // The service may be starting again: keep what is shown and try later.
      clearTimeout(timer);
      timer = setTimeout(refresh, pollEvery);
      return;
    }
    if (turn !== lastTurn) return;
    merge(document.getElementById("main"), page.getElementById("main"));
    follow();
  }

  // Makes the children of `now` those of `next`, part by part. A part that holds something typed stays as it is, and so
  // does the notice of the last action.
  function merge(now, next) {
    if (!now || !next) return;
    const live = now.querySelector("#live");
    const nextLive = next.querySelector("#live");
    if (live && nextLive) {
      live.dataset.live = nextLive.dataset.live;
      live.dataset.run = nextLive.dataset.run;
    }
    let previous = null;
    for (const part of [...next.children]) {
      const old = part.id ? now.querySelector(":scope > #" + part.id) : null;
      if (old) {
        replace(old, part);
        previous = old;
      } else if (part.id) {
        const anchor = previous ? previous.nextSibling : now.firstChild;
        previous = document.importNode(part, true);
        now.insertBefore(previous, anchor);
      }
    }
    for (const old of [...now.children]) {
      if (old.id && !next.querySelector(":scope > #" + old.id) && !isTouched(old)) old.remove();
    }
  }

  function replace(old, part) {
    if (old.id === "notices" || old.isEqualNode(part)) return;
    const regions = [...old.querySelectorAll("[data-region]")];
    if (regions.length > 0) {
      for (const region of regions) {
        const next = part.querySelector("#" + region.id);
        if (next) replace(region, next);
      }
      return;
    }
    if (isTouched(old)) return;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const open = new Set([...old.querySelectorAll("details[open]")].map((details) => details.id));
    old.replaceChildren(...[...part.childNodes].map((node) => document.importNode(node, true)));
    for (const details of old.querySelectorAll("details")) if (open.has(details.id)) details.open = true;
    if (focused) {
      // What had the focus may be gone, a button for instance; then reading goes on from the start of the content.
      const again = (focused.id && document.getElementById(focused.id)) || document.getElementById("main");
      again.focus({ preventScroll: true });
    }
  }

  // Whether somebody has typed, chosen or is about to type in this part.
  function isTouched(part) {
    for (const field of part.querySelectorAll("input, select, textarea")) {
      if (field === document.activeElement) return true;
      if (field.type === "checkbox" || field.type === "radio") {
        if (field.checked !== field.defaultChecked) return true;
      } else if (field.tagName === "SELECT") {
        const asSent = [...field.options].some((option) => option.defaultSelected);
        if (asSent && [...field.options].some((option) => option.selected !== option.defaultSelected)) return true;
      } else if (field.value !== field.defaultValue) {
        return true;
      }
    }
    return false;
  }
})();
