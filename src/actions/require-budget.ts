/** Refuses work that a user's limits have no room for, before a model is called. */
import { refusalOf, type LimitName } from '../core/limits.ts';
import { keyIdOf, requireUserId } from '../core/principal.ts';
import type { Embedder } from '../models/embeddings/registry.ts';
import { readBudget } from '../store/limits/budget.ts';
import type { ActionContext, ActionDependencies } from './context.ts';

/** The limits that embeddings count against. */
const COUNTED: ReadonlySet<LimitName> = new Set<LimitName>([
  'requests_per_minute',
  'tokens_per_day',
  'tokens_per_month',
  'cost_per_month',
]);

/** The part of the context that the check needs. */
interface Budgeted {
  principal: ActionContext['principal'];
  dependencies: Pick<ActionDependencies, 'db' | 'config' | 'embeddings' | 'limits' | 'prices'>;
}

/**
 * Makes sure that texts may be embedded. Nothing is reserved: what runs beside it may use the same
 * room.
 * @param tokens how many they are, by an estimate
 * @throws ParleyError `quota_exceeded`, `rate_limited`
 */
export async function requireRoomToEmbed(
  context: Budgeted,
  tokens: number,
  given: { embedder?: Embedder; userId?: string } = {},
): Promise<void> {
  const { db, config, embeddings, limits, prices } = context.dependencies;
  const { embedder = embeddings.configured } = given;
  if (!limits || embedder.isLocal) return;
  const userId = given.userId ?? requireUserId(context.principal);
  const keyId = keyIdOf(context.principal) ?? null;
  const ask = { defaults: limits, leaseMs: config.TURN_LEASE_MS, userId, keyId };
  const budget = (await readBudget(db, ask)).filter(({ name }) => COUNTED.has(name));
  const price = prices.priceOf(embedder.name, Date.now())?.input ?? 0;
  const refusal = refusalOf(budget, { tokens, nanodollars: tokens * price });
  if (refusal) throw refusal;
}
