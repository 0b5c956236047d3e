// What a page does by itself: looks again, shows times as they pass, and listens to keys.
// Every page works without it.
"use strict";
(() => {
  const root = document.documentElement;
  const live = () => document.getElementById("live");
  const updated = document.getElementById("updated");
  let failures = 0, isPaused = false, isAsking = false, timer = 0, told = 0;
  let lastAnswer = Date.now();

  // Times -------------------------------------------------------------------------------------
  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  function span(seconds) {
    for (const [i, [size, unit]] of UNITS.entries()) {
      if (seconds < size) continue;
      const rest = Math.floor((seconds % size) / (UNITS[i + 1]?.[0] ?? 1));
      return `${Math.floor(seconds / size)} ${unit}` +
        (rest && i < 2 ? ` ${rest} ${UNITS[i + 1][1]}` : "");
    }
    return "now";
  }
  function relative(at) {
    const seconds = Math.round((Date.now() - at) / 1000);
    if (Math.abs(seconds) < 1) return "now";
    return seconds < 0 ? `in ${span(-seconds)}` : `${span(seconds)} ago`;
  }
  const two = (number) => String(number).padStart(2, "0");
  function clock(at, isUtc) {
    const read = (part) => at[`get${isUtc ? "UTC" : ""}${part}`]();
    const time = ["Hours", "Minutes", "Seconds"].map((part) => two(read(part))).join(":");
    if (Math.abs(Date.now() - at) < 64800000) return time;
    return `${read("FullYear")}-${two(read("Month") + 1)}-${two(read("Date"))} ${time}`;
  }
  function showTimes() {
    const how = root.dataset.times;
    for (const each of document.querySelectorAll("time[datetime]")) {
      const at = new Date(each.dateTime);
      const isExact = how !== "relative" || each.closest("#updated, [data-exact]");
      const text = isExact ? clock(at, how === "UTC") : relative(at);
      if (each.textContent !== text) each.textContent = text;
      if (how === "local") each.title = at.toString();
    }
  }

  // Looking again -------------------------------------------------------------------------------
  function every() {
    const seconds = Number(root.dataset.every);
    return seconds ? Math.min(seconds * 2 ** failures, 60) * 1000 : 0;
  }
  function mustWait() {
    const selection = document.getSelection();
    const field = document.activeElement;
    return isPaused || isAsking || document.hidden || !navigator.onLine ||
      document.querySelector("dialog[open], #live :checked[data-select], #live details[open] .form") ||
      (selection && !selection.isCollapsed) ||
      (field && field.closest("#live") && field.matches("input:not([type=checkbox]), textarea, select"));
  }
  function ask() {
    const place = live();
    if (place && place.hasAttribute("hx-get") && window.htmx) {
      place.dispatchEvent(new CustomEvent("pgq:refresh"));
    }
  }
  function plan() {
    clearTimeout(timer);
    const wait = every();
    if (wait) timer = setTimeout(() => { if (!mustWait()) ask(); plan(); }, wait);
  }
  function answered(isGood) {
    isAsking = false;
    failures = isGood ? 0 : Math.min(failures + 1, 5);
    document.body.classList.toggle("stale", !isGood);
    if (isGood) lastAnswer = Date.now();
    const at = new Date(lastAnswer);
    const said = isGood ? "Updated " : "Stale since ";
    // A screen reader hears it once a minute, and each change to and from stale.
    if (!isGood || Date.now() - told > 60000 || !updated.textContent.startsWith(said)) {
      updated.setAttribute("aria-live", "polite");
      told = Date.now();
    } else {
      updated.setAttribute("aria-live", "off");
    }
    const time = document.createElement("time");
    time.dateTime = at.toISOString();
    updated.replaceChildren(said, time);
    showTimes();
    mark(false);
  }
  document.addEventListener("htmx:before:request", (event) => {
    if (event.detail.ctx.sourceElement.id === "live") isAsking = true;
  });
  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    if (ctx.sourceElement.id !== "live") return;
    const { status, headers } = ctx.response;
    const isOurs = status === 304 || (headers.get("Content-Type") || "").startsWith("text/html");
    if (status >= 400 && status !== 503 || !isOurs) event.preventDefault();
    if (status === 401 || status === 403) isPaused = true;
    if (status === 304 || status >= 400 || !isOurs) answered(status === 304);
    plan();
  });
  document.addEventListener("htmx:after:swap", () => answered(true));
  document.addEventListener("htmx:error", () => { answered(false); plan(); });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !mustWait() && every()) ask();
  });

  // Rows ----------------------------------------------------------------------------------------
  let place = -1, placed = null, picked = null;
  const rows = () => [...document.querySelectorAll("#live table.rows > tbody > tr, #live table.cards > tbody > tr")];
  // A row is known by where it leads: others come and go around it. Without an id, a box that was
  // ticked, or a button with the focus, would soon be that of the row which came into its place.
  const goal = (row) => row?.querySelector("a[href]")?.getAttribute("href") ?? null;
  function identify(part) {
    for (const [number, table] of [...part.querySelectorAll("table")].entries()) {
      const known = new Map();
      for (const row of table.querySelectorAll(":scope > tbody > tr")) {
        const name = goal(row) ?? row.cells[0]?.textContent;
        const times = known.get(name) ?? 0;
        known.set(name, times + 1);
        row.id = `row ${number} ${times} ${name}`;
      }
    }
  }
  document.addEventListener("htmx:before:swap", (event) => {
    identify(live());
    for (const task of event.detail.tasks) identify(task.fragment);
  });
  function mark(mayScroll) {
    const all = rows();
    const there = placed === null ? -1 : all.findIndex((row) => goal(row) === placed);
    if (there >= 0) place = there;
    all.forEach((row, i) => row.classList.toggle("current", i === place));
    if (mayScroll && all[place]) all[place].scrollIntoView({ block: "nearest" });
  }
  function move(step) {
    const last = rows().length - 1;
    place = Math.max(0, Math.min(last, place + step));
    placed = goal(rows()[place]);
    mark(true);
  }
  document.addEventListener("click", (event) => {
    const box = event.target.closest("input[type=checkbox][data-select]");
    if (!box) return;
    const all = [...document.querySelectorAll("#live input[type=checkbox][data-select]:not([data-all])")];
    if (box.hasAttribute("data-all")) {
      all.forEach((each) => { each.checked = box.checked; });
    } else if (event.shiftKey && picked && all.includes(picked)) {
      const [from, to] = [all.indexOf(picked), all.indexOf(box)].sort((a, b) => a - b);
      all.slice(from, to + 1).forEach((each) => { each.checked = box.checked; });
    }
    picked = box;
    document.dispatchEvent(new CustomEvent("pgq:selected"));
  });

  // Keys ----------------------------------------------------------------------------------------
  const help = document.getElementById("help");
  const choices = document.querySelector("form.choices");
  let isGoing = 0;
  const finder = () => document.getElementById("go");
  const keys = {
    "?": () => help.showModal(),
    "/": () => (document.querySelector("#live [data-filter]") || finder())?.focus(),
    j: () => move(1),
    k: () => move(-1),
    x: () => rows()[place]?.querySelector("input[data-select]")?.click(),
    Enter: () => rows()[place]?.querySelector("a[href]")?.click(),
    r: () => (live()?.hasAttribute("hx-get") ? ask() : location.reload()),
    p: () => {
      isPaused = !isPaused;
      updated.textContent = isPaused ? "Paused: p goes on" : "Goes on";
      if (!isPaused) ask();
    },
    t: () => {
      if (!choices) return;
      const list = choices.elements.theme;
      list.selectedIndex = (list.selectedIndex + 1) % list.options.length;
      choices.requestSubmit();
    },
  };
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
    if (field) {
      if (event.key === "Escape") field.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (isGoing && Date.now() - isGoing < 1500) {
      isGoing = 0;
      if (event.key === "/") { event.preventDefault(); finder()?.focus(); return; }
      const link = [...document.querySelectorAll("[data-go]")].find((each) => each.dataset.go === event.key);
      if (link) { event.preventDefault(); link.click(); return; }
    }
    if (event.key === "g") { isGoing = Date.now(); return; }
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    if (Object.hasOwn(keys, event.key)) { event.preventDefault(); keys[event.key](); }
  });

  // What needs scripts appears with them ----------------------------------------------------------
  root.classList.add("scripted");
  document.querySelectorAll("[data-help]").forEach((each) => {
    each.hidden = false;
    each.addEventListener("click", () => help.showModal());
  });
  choices?.addEventListener("change", () => choices.requestSubmit());
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const from = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(from.textContent);
      button.textContent = "Copied";
    } catch {  // not by HTTPS: have it selected, so that Ctrl-C copies it
      document.getSelection().selectAllChildren(from);
    }
  });
  showTimes();
  setInterval(showTimes, 1000);
  plan();
})();
