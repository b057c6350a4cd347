// What the page shows. Every value goes in as text; nothing that was sent as telemetry becomes markup.

import { byMinute, drawnUntil, MINUTE_MS, MINUTES, SIGNALS } from "./questions.js";
import { ago, clock, count, duration, NONE, percent, rate } from "./words.js";

const of = (id) => document.getElementById(id);
const LEAST_MINUTES = 5;
const NAMES = { events: "events", traces: "spans", logs: "logs", metrics: "metrics" };

/** An element with these children: strings become text. */
function made(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** The cell that names its row. */
function row(...children) {
  const cell = made("th", "name", ...children);
  cell.scope = "row";
  return cell;
}

/** Shows a value: the words for people, the number itself for programs. */
function put(id, words, value) {
  of(id).textContent = words;
  of(id).value = value ?? "";
}

/** A sentence in place of, or under, what cannot be shown; "" takes it away. */
export function why(id, sentence) {
  of(id).textContent = sentence;
  of(id).hidden = !sentence;
}

/** How much comes in now: measured between answers, else from the minutes so far. */
export function showRates(answer, at, live) {
  for (const signal of SIGNALS) {
    const rows = answer.rows.filter((row) => row.signal === signal);
    const accepted = rows.reduce((sum, row) => sum + row.accepted, 0);
    const now = live.of(signal) ?? sinceMinute(rows, at);
    put(`rate-${signal}`, rate(now.rate), now.rate);
    of(`note-${signal}`).textContent = `over the last ${Math.round(now.overMs / 1000)} s\n${count(accepted)} in ${MINUTES} min`;
  }
}

/** The rate since the last whole minute began, or since the first row if that is later. */
function sinceMinute(rows, at) {
  const running = at - (at % MINUTE_MS);
  const recent = rows.filter((row) => row.time >= running - MINUTE_MS);
  const began = Math.min(running, ...recent.map((row) => row.time));
  const overMs = Math.max(at - began, 1000);
  return { rate: recent.reduce((sum, row) => sum + row.accepted, 0) / (overMs / 1000), overMs };
}

/** Items per second by minute. */
export function showArriving(chart, answer, at) {
  const from = began(answer.meta.from, answer.rows[0]?.time, at);
  const series = byMinute(answer.rows, { from, at }).map(({ name, points }) => ({ name: NAMES[name], points }));
  chart.show({ from, to: Math.max(at, from + MINUTE_MS), series });
}

/** Where a chart begins: with the range, or a little before the first there is, for a young stack. */
function began(from, first = from, at) {
  return Math.max(from, Math.min(first, at - (at % MINUTE_MS) - LEAST_MINUTES * MINUTE_MS) - MINUTE_MS);
}

/** Until when everything that was received is known to be stored. */
export function showLag(answer, at) {
  const until = answer.settledUntil;
  const known = until !== null;
  put("lag", known ? count(Math.max(at - until, 0) / 1000) : NONE, until);
  of("note-lag").textContent = known
    ? `complete until\n${clock(until, { seconds: true })}`
    : "unknown: the log does not answer";
  of("lag").classList.toggle("bad", !known || at - until > 3 * MINUTE_MS);
}

/** p50 and p95 by minute, and p95 of all. */
export function showLoads(chart, found, at) {
  of("loading-title").textContent = found.title;
  put("load", duration(found.p95), found.p95);
  of("note-load").textContent = found.seen ? `${found.title}\n${count(found.seen)} measured` : "none was measured";
  why("loading-why", found.seen ? "" : "No event named page.load or web_vital.lcp in these 30 minutes.");
  const rows = new Map(found.rows.map((row) => [row[0], row]));
  const from = began(found.meta.from, found.rows[0]?.[0], at);
  const times = [];
  const until = drawnUntil(found.rows[0]?.[0], at);
  for (let time = from; time <= until; time += MINUTE_MS) times.push(time);
  const series = ["p50", "p95"].map((name, n) => ({
    name,
    points: times.map((time) => [time, rows.get(time)?.[n + 2] ?? null]),
  }));
  chart.show({ from, to: Math.max(at, from + MINUTE_MS), series });
}

/** The pages viewed most, with how fast each was. */
export function showPages(answer, byPage) {
  const views = answer.values.filter(({ label }) => label !== "__other__");
  const most = Math.max(...views.map(({ value }) => value), 1);
  of("pages").replaceChildren(
    ...views.map(({ label, value }) => {
      const bar = made("span", "bar");
      bar.style.inlineSize = `${(100 * value) / most}%`;
      const p95 = byPage.get(label) ?? null;
      return made("tr", "",
        row(made("span", "text", label || "(no page)"), bar),
        made("td", "n", count(value)),
        made("td", "n", duration(p95)));
    }),
  );
  why("pages-why", views.length ? "" : "No event named page_view in these 30 minutes.");
}

/** How many errors there were, and what. */
export function showErrors(answer, at) {
  const { errors, against, rate: share } = answer.total;
  put("errors", share === null ? count(errors) : percent(share), share ?? errors);
  of("errors").classList.toggle("bad", share !== null && share > 0.01);
  of("note-errors").textContent = `${count(errors)} on\n${count(against)} page views`;
  of("groups").replaceChildren(
    ...answer.groups.map((group) => {
      const where = [group.service || group.app, group.frame].filter(Boolean).join(" · ");
      const name = row(made("span", "text", [group.type, group.message].filter(Boolean).join(": ")));
      if (group.newIn) name.append(made("span", "badge warn", `new in ${group.newIn}`));
      name.append(made("small", "text", where));
      return made("tr", "", name, made("td", "n", count(group.count)), made("td", "n", ago(at - group.lastSeen)));
    }),
  );
  why("groups-why", answer.groups.length ? "" : "None in these 30 minutes.");
}

/** The outcome of every offered item, and whether the ledger balances. */
export function showLedger(answer) {
  const { totals, balanced } = answer;
  const rejected = Object.entries(totals.rejected).sort((a, b) => b[1] - a[1]);
  const all = rejected.reduce((sum, [, items]) => sum + items, 0);
  const waiting = Math.max(totals.stored - totals.archived, 0);
  const coming = Math.max(totals.accepted - totals.stored - totals.duplicate - totals.deadLettered, 0);
  const refused = Object.entries(totals.requestRejections).map(([reason, n]) => [`requests rejected: ${reason}`, n]);
  of("flow").replaceChildren(
    stage("offered", totals.offered, `in ${count(totals.requests)} requests`, refused),
    stage("accepted", totals.accepted, "in the log, on disk", [
      ["rejected", all],
      ...rejected.map(([reason, items]) => [`· ${reason}`, items]),
      ["sampled out", totals.sampled],
      ["over a limit", totals.limited],
    ]),
    stage("stored", totals.stored, "rows that can be asked for", [
      ["duplicate", totals.duplicate],
      ["deadLettered", totals.deadLettered],
      ["on the way", coming],
    ]),
    stage("archived", totals.archived, "rows in Parquet files", [["still to come", waiting]]),
  );
  const verdict = { true: ["It adds up", "good"], false: ["It does not add up", "fault"], null: ["Nothing settled yet", ""] };
  const [words, kind] = verdict[String(balanced)];
  of("balanced").textContent = words;
  of("balanced").className = `badge ${kind}`;
  of("ledger-why").textContent = {
    true: "In every minute that is settled: offered = accepted + rejected + sampled + limited, and accepted = stored + duplicate + deadLettered.",
    false: "A settled minute is off: GET /v1/ledger says which, and by how much.",
    null: "A minute is settled once everything received in it has been carried into the store; the first takes a minute or two.",
  }[String(balanced)];
}

/** Who sends with a key that is not known, and what was refused before its items were counted. */
export function showRefused({ keys, bytes }) {
  const told = [
    ...keys.sort((a, b) => b.sum - a.sum).map((one) => [`requests with the unknown key ${one.key_hash} from ${one.source}`, one.sum]),
    ...bytes.map((one) => [`bytes refused unread: ${one.reason}`, one.sum]),
  ];
  of("refused-unread").replaceChildren(...told.map(([words, n]) => made("li", "", made("b", "", count(n)), ` ${words}`)));
  of("refused-unread").hidden = !told.length;
}

function stage(name, items, text, leaks) {
  const number = made("data", "", count(items));
  number.id = `ledger-${name}`;
  number.value = items;
  const list = made("ul", "leaks", ...leaks.filter(([, n]) => n > 0).map(([words, n]) => made("li", "", made("b", "", count(n)), ` ${words}`)));
  return made("li", "stage", made("h3", "", name), made("p", "", number), made("small", "", text), list);
}
