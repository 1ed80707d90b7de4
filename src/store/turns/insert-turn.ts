/**
 * Inserts a turn, which takes the conversation's only place for a running one. What it may use is
 * reserved with it, in the way that is cheapest for the caller's limits: a way that does not suit
 * them inserts nothing.
 */
import type { CredentialProof } from '../../core/principal.ts';
import { NOW, type Statement } from '../database.ts';
import { HELD, heldArgs } from '../credentials/confirm.ts';
import { releaseKey, KNOWN_RESOURCE } from '../idempotency-keys.ts';
import { FITS, FITTING, grantArgs, GRANTED } from '../limits/grant.ts';
import type { ReserveAsk } from '../limits/wanted.ts';
import { isOwned, ownerArgs } from '../ownership.ts';
import { confirmedByInsertion, keyArgs, type TurnClaim } from './claim.ts';

/** The statement in its forms, by what it reserves. */
interface Forms {
  /** Reserves nothing. */
  plain: string;
  /** The same, only for callers without limits of their own. */
  unlimited: string;
  /** Grants all that the turn wants, where it fits. */
  granting: string;
}

/** The statement in its forms, for any caller and for one whose credential it confirms. */
export interface InsertTurn {
  forAnyone: Forms;
  confirming: Forms;
}

const COLUMNS = [
  'id',
  'conversation_id',
  'user_id',
  'instance_id',
  'state',
  'sequence_number',
  'prompt_message_id',
  'assistant_message_id',
  'previous_head_id',
  'model',
  'parameters',
  'created',
  'heartbeat_at',
  'started_at',
];

/** True for a new claim: its key is not known, and it was not released before it arrived. */
export const IS_NEW = `NOT EXISTS (${KNOWN_RESOURCE}) AND NOT EXISTS (${KNOWN_RESOURCE})`;

/** The condition that the caller's credential holds. */
export const IS_HELD = `AND EXISTS (${HELD})`;

/** The condition that neither the user nor the key has limits of its own. */
const HAS_NO_LIMITS = `AND NOT EXISTS (SELECT 1 FROM user_limits u WHERE u.user_id = c.user_id)
      AND NOT EXISTS (SELECT 1 FROM key_limits k WHERE k.key_id = ?)`;

/**
 * Returns the statement.
 * @param added the number of messages that the turn adds
 * @param condition a further condition on the claim, about the columns of a conversation `c` that
 *   `grant.ts` reads
 */
export function insertTurn(added: 1 | 2, condition = ''): InsertTurn {
  const forms = (confirmed: string) => formsOf(added, `${condition} ${confirmed}`);
  return { forAnyone: forms(''), confirming: forms(IS_HELD) };
}

function formsOf(added: 1 | 2, condition: string): Forms {
  const insert = (granted: Readonly<Record<string, string>>, from: string, where: string) =>
    `INSERT INTO turns (${[...COLUMNS, ...Object.keys(granted)].join(', ')})
    SELECT ?, c.id, c.user_id, ?, 'running', c.last_sequence_number + ${added}, ?, ?, c.head_message_id, coalesce(?, c.model, ?), ?, ?, ${[NOW, NOW, ...Object.values(granted)].join(', ')}
    FROM ${from} WHERE ${IS_NEW} ${condition} ${where}
    ON CONFLICT DO NOTHING`;
  const isAsked = `AND c.id = ? AND ${isOwned('c.user_id')}`;
  return {
    plain: insert({}, 'conversations c', isAsked),
    unlimited: insert({ key_id: '?' }, 'conversations c', `${isAsked} ${HAS_NO_LIMITS}`),
    granting: `${FITTING} ${insert(GRANTED, 'c', `AND ${FITS}`)}`,
  };
}

type Args = (string | number | null)[];

/** A claim's statement, and the arguments of its further condition. */
interface Inserting {
  insertTurn: InsertTurn;
  promptId: string;
  conditionArgs: Args;
}

/** Inserts a turn whatever the limits of its caller are. */
export function insertPlain(claim: TurnClaim, how: Inserting): Statement {
  const args = [...valueArgs(claim, how), ...whereArgs(claim, how), ...conversationArgs(claim)];
  return { sql: formsFor(claim, how).plain, args };
}

/** Inserts a turn of a caller who has no limits. @param keyId null where no key is used */
export function insertUnlimited(claim: TurnClaim, how: Inserting, keyId: string | null): Statement {
  const where = [...whereArgs(claim, how), ...conversationArgs(claim)];
  const args = [...valueArgs(claim, how), keyId, ...where, keyId];
  return { sql: formsFor(claim, how).unlimited, args };
}

/** Inserts a turn that is granted what it wants. */
export function insertGranted(
  claim: TurnClaim,
  how: Inserting,
  reservation: ReserveAsk,
): Statement {
  const args = [...valueArgs(claim, how), ...whereArgs(claim, how)];
  return { sql: formsFor(claim, how).granting, args: [...grantArgs(claim, reservation), ...args] };
}

function formsFor(claim: TurnClaim, { insertTurn: forms }: Inserting): Forms {
  return confirmedHere(claim) ? forms.confirming : forms.forAnyone;
}

/**
 * Returns the proof of a caller whom this statement confirms. A conversation that begins with the
 * turn is there only if its own insertion, in the same batch, has confirmed the caller.
 */
function confirmedHere(claim: TurnClaim): CredentialProof | undefined {
  return claim.create ? undefined : confirmedByInsertion(claim);
}

function valueArgs(claim: TurnClaim, { promptId }: Pick<Inserting, 'promptId'>): Args {
  return [
    claim.turnId,
    claim.instanceId,
    promptId,
    claim.assistantMessageId,
    claim.model,
    claim.defaultModel,
    claim.parameters ? JSON.stringify(claim.parameters) : null,
    claim.create ? 1 : 0,
  ];
}

function whereArgs(claim: TurnClaim, { conditionArgs }: Pick<Inserting, 'conditionArgs'>): Args {
  const proof = confirmedHere(claim);
  return [...newArgs(claim), ...conditionArgs, ...(proof ? heldArgs(proof) : [])];
}

function conversationArgs({ conversationId, principal }: TurnClaim): Args {
  return [conversationId, ...ownerArgs(principal)];
}

/** Returns the arguments of {@link IS_NEW}. */
export function newArgs(claim: TurnClaim): string[] {
  const { scope, key } = releaseKey(claim.turnId);
  return [...keyArgs(claim), scope, key];
}
