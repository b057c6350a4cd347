/** The id under which a user is known: a hash, made on the device. */

/** The id in NFKC, A to Z in lower case, without blanks at its ends: what is hashed. */
export function plainId(id: string): string {
  return id
    .normalize('NFKC')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    .replace(/^[\t\n\v\f\r ]+|[\t\n\v\f\r ]+$/g, '');
}

/** `userAnonId` of a user: hex SHA-256 of salt and id; null where the id is blank, or no SHA-256 is to be had. */
export async function userHash(id: string, salt: string): Promise<string | null> {
  const plain = plainId(id);
  if (!plain || !globalThis.crypto?.subtle) return null;
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${salt}\0${plain}`));
  return Array.from(new Uint8Array(digest), (octet) => octet.toString(16).padStart(2, '0')).join('');
}
