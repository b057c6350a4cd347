// The query token: kept in this tab only, and never left standing in an address.

const PLACE = "seamark.token";

/** Takes a token out of the fragment (`#token=…`), if there is one, and wipes it from the address bar. */
export function takeFromAddress() {
  const handed = new URLSearchParams(location.hash.slice(1)).get("token");
  if (handed === null) return;
  history.replaceState(null, "", location.pathname + location.search);
  keep(handed);
}

export const kept = () => sessionStorage.getItem(PLACE) ?? "";
export const keep = (token) => sessionStorage.setItem(PLACE, token.trim());
export const forget = () => sessionStorage.removeItem(PLACE);
