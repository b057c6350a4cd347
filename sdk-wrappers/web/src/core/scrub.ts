/** What is taken out of text and URLs before anything is kept or sent. Every repetition is bounded. */

// marked as pure, so that bundles without captures leave it out
const DENIED =
  /* @__PURE__ */
  'access_token api_key apikey auth authorization awsaccesskeyid code client_secret credential email id_token jwt k key otp passwd password phone pwd refresh_token secret session sessionid sid sig signature token x-amz-credential x-amz-security-token x-amz-signature x-goog-credential x-goog-signature'.split(
    ' '
  );
const DENIED_ENDINGS = /(token|secret|password|signature|api_?key)$/;

/** Text with ingest keys and tokens of ours, JWTs, e-mail addresses and card numbers masked. */
export function scrubText(text: string): string {
  return text
    .replace(/\bsm[kqa]_[\w-]{8,128}/g, '[key]')
    .replace(/\beyJ[\w-]{8,4096}\.[\w-]{8,4096}\.[\w-]{0,4096}/g, '[jwt]')
    .replace(/[\w.+-]{1,64}(?:@|%40)(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}/g, '[email]')
    .replace(/\b[2-6](?:[ -]?[0-9]){13,18}\b/g, card);
}

/**
 * A URL without credentials and fragment, and with the values of denied parameters masked; `denied` adds
 * names. The URL is not parsed beyond that: what is left is exactly as it was.
 */
export function scrubUrl(url: string, denied: readonly string[] = []): string {
  const inline = /^(data|blob|javascript):/i.exec(url);
  if (inline) return inline[0].toLowerCase();
  const [front, ...queries] = url.split('#', 1)[0].split('?');
  const names = DENIED.concat(denied.map((name) => name.toLowerCase()));
  const address = front.replace(/^((?:[A-Za-z][A-Za-z0-9+.-]{0,31}:)?\/\/)[^/]*@/, '$1');
  const query = queries.join('?').replace(/([^&=]+)=[^&]+/g, (pair: string, name: string) => {
    const plain = name.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
    return isDenied(plain.toLowerCase(), names) ? `${name}=REDACTED` : pair;
  });
  return scrubText(queries.length ? `${address}?${query}` : address);
}

function isDenied(name: string, names: readonly string[]): boolean {
  return names.includes(name) || DENIED_ENDINGS.test(name);
}

/** The mask where the digits pass Luhn's check (ISO/IEC 7812-1), else the digits. */
function card(found: string): string {
  let total = 0;
  [...found.replace(/[ -]/g, '')].reverse().forEach((digit, place) => {
    const doubled = +digit * (1 + (place % 2));
    total += doubled > 9 ? doubled - 9 : doubled;
  });
  return total % 10 ? found : '[card]';
}
