/**
 * Confirms credentials: in the same batch as what a request asks, so that no further request is
 * made and a revoked credential does nothing from then on, on any instance.
 */
import { and, eq, gt, isNull, or, type SQL } from 'drizzle-orm';
import { unauthenticated } from '../../core/errors.ts';
import type { CredentialProof } from '../../core/principal.ts';
import type { Database, Statement } from '../database.ts';
import { now, prepare, query, statement, type Given } from '../query.ts';
import { credentials } from '../schema.ts';

/** The constraint that ends a batch whose caller is not confirmed. */
const CONSTRAINT = 'refused_credential';

type ProofFields = Given<keyof CredentialProof>;

/** Returns the condition that a credential is the one that we gave out, and not revoked. */
export function isGenuine({ kind, id, hash }: CredentialProof | ProofFields): SQL | undefined {
  return and(
    eq(credentials.id, id),
    eq(credentials.hash, hash),
    eq(credentials.kind, kind),
    isNull(credentials.revokedAt),
  );
}

/** The condition that a credential has not expired. */
export const isUnexpired = or(isNull(credentials.expiresAt), gt(credentials.expiresAt, now));

const selectHeld = prepare((proof: ProofFields) => held(proof));

function held(proof: CredentialProof | ProofFields) {
  const id = query.select({ id: credentials.id }).from(credentials);
  return id.where(and(isGenuine(proof), isUnexpired));
}

/** Finds a credential that holds, as SQL: a text that is written once, since each turn asks it. */
export const HELD = statement(held({ id: '', hash: '', kind: 'key' })).sql;

/** Returns the arguments of {@link HELD}. */
export function heldArgs({ id, hash, kind }: CredentialProof): string[] {
  return [id, hash, kind];
}

const INSERT_REFUSAL = `INSERT INTO credential_refusals (refused) SELECT 1 WHERE NOT EXISTS (${HELD})`;

/** Ends a batch that writes unless the credential holds; it comes first in the batch. */
export function refuseUnlessHeld(proof: CredentialProof): Statement {
  return { sql: INSERT_REFUSAL, args: heldArgs(proof) };
}

/** Returns true for the error of a batch that a credential has ended. */
export function isRefusedCredential(error: unknown): boolean {
  return error instanceof Error && error.message.includes(CONSTRAINT);
}

/**
 * Returns the database as a caller may use it: its first batch also confirms the credential, and
 * gives nothing and changes nothing when that does not hold.
 */
export class ConfirmingDatabase implements Database {
  readonly #db: Database;
  readonly #proof: CredentialProof;
  #isConfirmed = false;

  constructor(db: Database, proof: CredentialProof) {
    this.#db = db;
    this.#proof = proof;
  }

  get writes(): number {
    return this.#db.writes;
  }

  /** @throws ParleyError `unauthenticated` */
  async batch(...[statements, mode, retryForMs]: Parameters<Database['batch']>) {
    if (this.#isConfirmed) return this.#db.batch(statements, mode, retryForMs);
    const isReading = mode === 'read';
    const check = isReading ? selectHeld(this.#proof) : refuseUnlessHeld(this.#proof);
    const [first, ...results] = await this.#db
      .batch([check, ...statements], mode, retryForMs)
      .catch(refuse);
    if (isReading && first?.values.length !== 1) throw unauthenticated();
    this.#isConfirmed = true;
    return results;
  }

  /**
   * Confirms the credential now, unless that has been done.
   * @throws ParleyError `unauthenticated`
   */
  async confirm(): Promise<void> {
    if (!this.#isConfirmed) await this.batch([], 'read');
  }

  flush(): Promise<void> {
    return this.#db.flush();
  }

  close(): void {
    this.#db.close();
  }
}

/** Turns the error of a batch that a credential has ended into the one that clients get. */
export function refuse(error: unknown): never {
  throw isRefusedCredential(error) ? unauthenticated() : error;
}
