// Numbers as people read them, each with its unit. Pure.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const one = new Intl.NumberFormat("en", { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const two = new Intl.NumberFormat("en", { maximumFractionDigits: 2, minimumFractionDigits: 2 });
const short = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });
export const NONE = "–";

/** 1234567 → "1,234,567". */
export const count = (value) => (value === null ? NONE : whole.format(value));

/** Per second: one decimal where it is small. */
export function rate(value) {
  if (value === null) return NONE;
  return value === 0 || value >= 99.95 ? whole.format(value) : one.format(value);
}

/** Milliseconds, in the unit that fits. */
export function duration(ms) {
  if (ms === null) return NONE;
  if (ms < 10) return `${one.format(ms)} ms`;
  if (ms < 1000) return `${whole.format(ms)} ms`;
  return ms < 60_000 ? `${two.format(ms / 1000)} s` : `${one.format(ms / 60_000)} min`;
}

/** The same for an axis, whose steps are round numbers. */
export const axis = {
  rate: (value) => short.format(value),
  duration: (ms) => (ms >= 1000 ? `${short.format(ms / 1000)} s` : `${short.format(ms)} ms`),
};

/** A share from 0 to 1. */
export function percent(share) {
  if (share === null) return NONE;
  return `${share !== 0 && share < 0.1 ? two.format(share * 100) : one.format(share * 100)} %`;
}

/** How long ago, roughly. */
export function ago(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`;
}

const pad = (number) => String(number).padStart(2, "0");

/** Time of day here, with or without seconds. */
export function clock(ms, { seconds = false } = {}) {
  const time = new Date(ms);
  const minutes = `${pad(time.getHours())}:${pad(time.getMinutes())}`;
  return seconds ? `${minutes}:${pad(time.getSeconds())}` : minutes;
}
