// The page: who looks, what is asked when, and what is said when there is no answer.

import { health, NoAnswer } from "./api.js";
import { chart } from "./chart.js";
import * as panels from "./panels.js";
import { rounds } from "./poll.js";
import { books, errors, liveRates, loads, pages, refused } from "./questions.js";
import { forget, keep, kept, takeFromAddress } from "./token.js";
import { axis, clock, duration, rate } from "./words.js";

const EVERY_MS = 5_000;
const MOST_MS = 30_000;
const SLOW_ROUNDS = 3; // pages and errors are asked every third time
const OWN_APP = "seamark"; // the parts' own metrics, which come from the first minute on
const of = (id) => document.getElementById(id);
const live = liveRates();
const arriving = chart(of("arriving"), { label: "What arrives, per second", format: rate, tick: axis.rate });
const loading = chart(of("loading"), { label: "Page load", format: duration, tick: axis.duration });
const polling = rounds(round, { everyMs: EVERY_MS, mostMs: MOST_MS, failed });
let answered = 0; // rounds with an answer
let stale = false; // whether the store was away when pages and errors were asked
let updated = ""; // when the last one was

async function round(signal) {
  const [{ answer, at }, well] = await Promise.all([books(signal), health(signal)]);
  signal.throwIfAborted();
  of("empty").hidden = answer.rows.some(({ app }) => app !== OWN_APP);
  live.add(answer.rows, at);
  panels.showRates(answer, at, live);
  panels.showArriving(arriving, answer, at);
  panels.showLag(answer, at);
  panels.showLedger(answer);
  reveal("look");
  if (answered++ % SLOW_ROUNDS === 0) stale = await slower(signal, at);
  updated = clock(Date.now(), { seconds: true });
  said("live", `Live · ${updated}`);
  document.body.classList.remove("old");
  const degraded = well.degraded.map(({ part, detail }) => `${part}: ${detail}.`);
  if (stale) degraded.unshift("The store did not answer; pages, page load and errors are from an earlier answer.");
  notice(degraded.join(" "));
}

/** Asks for page loads, pages and errors; each may fail alone. Whether an answer was an old one. */
async function slower(signal, at) {
  const [load, page, error, unread] = await Promise.allSettled([loads(signal), pages(signal), errors(signal), refused(signal)]);
  const failures = [load, page, error].filter(({ status }) => status === "rejected").map(({ reason }) => reason);
  const whole = failures.find(({ kind }) => kind !== "refused");
  if (whole) {
    answered = 0; // ask for these again in the next round
    throw whole;
  }
  if (load.value) panels.showLoads(loading, load.value, at);
  else panels.why("loading-why", load.reason.message);
  if (page.value) panels.showPages(page.value, load.value?.byPage ?? new Map());
  else panels.why("pages-why", page.reason.message);
  if (unread.value) panels.showRefused(unread.value); // else the token may not see them
  if (error.value) panels.showErrors(error.value, at);
  else panels.why("groups-why", error.reason.message);
  return Boolean(load.value?.stale || page.value?.meta.stale || error.value?.meta.stale);
}

function failed(error, waitMs) {
  if (!(error instanceof NoAnswer)) throw error; // a fault of this page: the console has it
  if (error.kind === "token") return enter(error.message);
  const again = `Trying again in ${Math.round(waitMs / 1000)} s.`;
  const from = updated ? ` What is shown is from ${updated}.` : "";
  document.body.classList.add("old");
  said("away", updated ? `Last answer ${updated}` : "No answer yet");
  notice(`${error.message} ${again}${from}`);
  live.clear();
}

function said(kind, words) {
  of("state").className = `state ${kind}`;
  of("state").textContent = words;
}

function notice(sentence) {
  if (of("notice").textContent !== sentence) of("notice").textContent = sentence;
  of("notice").hidden = !sentence;
}

function reveal(id) {
  of("look").hidden = id !== "look";
  of("enter").hidden = id !== "enter";
  of("leave").hidden = id === "enter";
}

/** Asks for a token; `sentence` says what was wrong with the last one. */
function enter(sentence) {
  polling.stop();
  forget();
  said("", "No token");
  notice("");
  panels.why("refused", sentence);
  reveal("enter");
  of("token").focus();
}

function begin() {
  takeFromAddress();
  if (!kept()) return enter("");
  live.clear();
  answered = 0;
  updated = "";
  said("", "Asking…");
  of("leave").hidden = false;
  of("enter").hidden = true;
  polling.start();
}

/** The command of the README, for the collector beside this API: it listens two ports below. */
function firstBatch() {
  const port = location.port ? Number(location.port) - 2 : 4318;
  const secret = `python3 -c 'import json; print(json.load(open(".seamark/credentials.json"))["ingest_key"])'`;
  return [
    `KEY=$(${secret})`,
    "NOW=$(date +%s000)",
    `curl -s http://${location.hostname}:${port}/v1/ingest/batch -H "X-API-Key: $KEY" -H "Content-Type: application/json" -d '{"events": [`,
    `  {"ts": '$NOW', "name": "page_view", "attrs": {"page": "/"}},`,
    `  {"ts": '$NOW', "name": "page.load", "value": 812, "unit": "ms", "attrs": {"page": "/"}}]}'`,
  ].join("\n");
}

of("form").addEventListener("submit", (event) => {
  event.preventDefault();
  keep(of("token").value);
  of("token").value = "";
  begin();
});
of("leave").addEventListener("click", () => enter(""));
of("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(of("first").textContent);
  of("copy").textContent = "Copied";
});
addEventListener("hashchange", begin);
of("first").textContent = firstBatch();
of("copy").hidden = !navigator.clipboard; // it is there on https and on loopback only
begin();
