/**
 * The text of our own credentials: `parley_<id>_<secret><checksum>`. Underscores let a double click
 * select it whole, the prefix lets scanners of secrets find it, and the checksum refuses garbage
 * without a look into the database.
 *
 * A credential carries whom it is for, as a signed token does, so that a request can be prepared
 * before the database has confirmed it. It says nothing by itself: only the database, which has the
 * hash of the whole text, makes it true.
 */
import { fnv1a } from '../core/hash.ts';
import {
  CREDENTIAL_KINDS,
  SCOPES,
  type CredentialKind,
  type CredentialProof,
  type Scope,
} from '../core/principal.ts';
import { sha256 } from '../core/sha256.ts';
import { isTenant } from '../core/tenant.ts';

const PREFIXES: Record<CredentialKind, string> = {
  key: 'parley',
  session: 'parleysession',
  ticket: 'parleyticket',
};

/** The user that a credential is for, and what it allows. */
export interface Grant {
  userId: string;
  scopes: readonly Scope[];
  /**
   * The id of the key that it was got for; undefined for a key itself, and for one got by token.
   */
  keyId?: string | undefined;
  /** The end of the credential that it was got for, in milliseconds since the epoch. */
  expiresAt?: number | undefined;
  /** The tenant whose database knows it; undefined where all users share one. */
  tenant?: string | undefined;
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 71 bits: enough never to meet another, short enough to read out. */
const ID_LENGTH = 12;
/** 256 bits, for which a fast hash suffices. */
const SECRET_LENGTH = 43;
/** 32 bits in base 36. */
const CHECKSUM_LENGTH = 7;
/** The longest credential in characters: the longest user id, each character of four bytes. */
const LONGEST = 4096;
const FORM = new RegExp(
  `^(\\w+?)_([0-9A-Za-z]{${ID_LENGTH}})_[0-9A-Za-z]{${SECRET_LENGTH}}([0-9a-f]+)[0-9a-z]{${CHECKSUM_LENGTH}}$`,
);

/** Makes a credential with a new id and a new secret. */
export function mintCredential(kind: CredentialKind, grant: Grant): { id: string; text: string } {
  const id = randomText(ID_LENGTH);
  const body = `${PREFIXES[kind]}_${id}_${randomText(SECRET_LENGTH)}${encodeGrant(grant)}`;
  return { id, text: body + checksumOf(body) };
}

/** Returns the hash by which the database knows a credential. */
export function hashCredential(text: string): Promise<string> {
  return sha256(text);
}

/** A credential that was read. What it grants is not true before its proof is confirmed. */
interface ReadCredential {
  proof: CredentialProof;
  grant: Grant;
}

/** Reads a credential; undefined for anything that was never minted. */
export async function readCredential(text: string): Promise<ReadCredential | undefined> {
  if (text.length > LONGEST) return undefined;
  const [, prefix, id = '', said = ''] = FORM.exec(text) ?? [];
  const kind = CREDENTIAL_KINDS.find((name) => PREFIXES[name] === prefix);
  if (kind === undefined) return undefined;
  const end = text.length - CHECKSUM_LENGTH;
  if (checksumOf(text.slice(0, end)) !== text.slice(end)) return undefined;
  const grant = decodeGrant(said);
  return grant && { grant, proof: { kind, id, hash: await hashCredential(text) } };
}

/** Returns true for a text that looks like one of our credentials, whether or not it is one. */
export function looksLikeCredential(text: string): boolean {
  return /^parley(session|ticket)?_[0-9A-Za-z]+_/.test(text);
}

function checksumOf(text: string): string {
  return (fnv1a(text) >>> 0).toString(36).padStart(CHECKSUM_LENGTH, '0');
}

function randomText(length: number): string {
  let text = '';
  while (text.length < length)
    for (const byte of crypto.getRandomValues(new Uint8Array(length)))
      // A larger byte would make the first characters likelier than others.
      if (byte < 4 * ALPHABET.length && text.length < length)
        text += ALPHABET.charAt(byte % ALPHABET.length);
  return text;
}

/** Writes a grant as hexadecimal JSON: it has no character that ends the selection of a word. */
function encodeGrant({ userId, scopes, keyId, expiresAt, tenant }: Grant): string {
  const said = [userId, scopes, keyId ?? null, expiresAt ?? null, ...(tenant ? [tenant] : [])];
  const json = JSON.stringify(said);
  const bytes = new TextEncoder().encode(json);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true });

function decodeGrant(hex: string): Grant | undefined {
  const bytes = new Uint8Array(hex.length / 2);
  for (let at = 0; at < bytes.length; at++)
    bytes[at] = Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16);
  try {
    return grantFrom(JSON.parse(UTF_8.decode(bytes)));
  } catch {
    return undefined;
  }
}

function grantFrom(said: unknown): Grant | undefined {
  if (!Array.isArray(said)) return undefined;
  const [userId, scopes, keyId, expiresAt, tenant] = said as unknown[];
  if (typeof userId !== 'string' || userId === '' || !Array.isArray(scopes)) return undefined;
  return {
    userId,
    scopes: SCOPES.filter((scope) => scopes.includes(scope)),
    keyId: typeof keyId === 'string' ? keyId : undefined,
    expiresAt: typeof expiresAt === 'number' ? expiresAt : undefined,
    tenant: isTenant(tenant) ? tenant : undefined,
  };
}
