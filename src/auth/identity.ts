/** Establishes who is calling, from the credential of a request. It asks no database. */
import type { Config } from '../config.ts';
import { unauthenticated } from '../core/errors.ts';
import { LatestMap } from '../core/latest-map.ts';
import type { CredentialKind, IdentifiedUser } from '../core/principal.ts';
import { readCredential } from './credential.ts';

/** A credential as a request carries it. */
export interface Presented {
  text: string;
  /** The place where it was: a session comes as a cookie alone, a ticket in the address alone. */
  place: 'header' | 'cookie' | 'address';
}

const KIND_IN: Record<Presented['place'], CredentialKind> = {
  header: 'key',
  cookie: 'session',
  address: 'ticket',
};

/** Checks a signed token. Undefined for one that does not hold, whatever the reason. */
export type VerifyToken = (token: string) => Promise<IdentifiedUser | undefined>;

/** The ways of establishing identity that are on. */
export interface Identity {
  /** True when our own keys are taken. */
  takesKeys: boolean;
  /**
   * Establishes a user. What a credential of ours grants is true when the database has confirmed
   * its proof, and not before.
   * @throws ParleyError `unauthenticated`
   */
  establish(presented: Presented): IdentifiedUser | Promise<IdentifiedUser>;
}

/** The most credentials that are remembered. */
const MOST_REMEMBERED = 1_000;

/**
 * Creates what establishes identity; undefined when everybody may call (`AUTH=none`).
 * @param verifyToken checks tokens, where `AUTH` has `jwt`
 */
export function createIdentity(
  { AUTH = [] }: Pick<Config, 'AUTH'>,
  verifyToken: VerifyToken,
): Identity | undefined {
  if (AUTH.length === 0) return undefined;
  const takesKeys = AUTH.includes('keys');
  /** The users of credentials of ours by their texts: reading one takes as long as hashing it. */
  const lately = new LatestMap<IdentifiedUser>(MOST_REMEMBERED);
  const establishAnew = async (presented: Presented): Promise<IdentifiedUser> => {
    const { text, place } = presented;
    const credential = await userOfCredential(presented, takesKeys);
    if (credential) {
      lately.set(text, credential);
      return credential;
    }
    const isToken = place === 'header' && text.includes('.');
    const user = isToken && AUTH.includes('jwt') && (await verifyToken(text));
    if (!user) throw unauthenticated();
    return user;
  };
  return {
    takesKeys,
    establish(presented) {
      const known = lately.get(presented.text);
      if (known?.establishedBy === KIND_IN[presented.place]) return known;
      return establishAnew(presented);
    },
  };
}

async function userOfCredential(
  { text, place }: Presented,
  takesKeys: boolean,
): Promise<IdentifiedUser | undefined> {
  const read = await readCredential(text);
  if (!read || read.proof.kind !== KIND_IN[place]) return undefined;
  const { grant, proof } = read;
  const keyId = proof.kind === 'key' ? proof.id : grant.keyId;
  // What was got for a key counts as long as keys do.
  if (keyId !== undefined && !takesKeys) return undefined;
  return { kind: 'user', establishedBy: proof.kind, ...grant, keyId, proof };
}
