/**
 * Notes what the calls of an embedding model have used, until a batch has stored it in the ledger.
 */
import { newId } from '../core/ids.ts';
import type { LedgerEntry } from '../core/ledger.ts';
import type { EmbeddingCall } from '../models/embeddings/registry.ts';
import { costOf, type PriceTable } from '../core/prices.ts';

export class EmbeddingCalls {
  readonly #userId: string;
  readonly #keyId: string | null;
  readonly #prices: PriceTable;
  #workId = newId();
  #pending: LedgerEntry[] = [];

  /**
   * @param userId the user for whom texts are embedded
   * @param keyId of the key by which that was asked for
   */
  constructor(userId: string, prices: PriceTable, keyId?: string) {
    this.#userId = userId;
    this.#keyId = keyId ?? null;
    this.#prices = prices;
  }

  readonly add = ({ model, inputTokens, isEstimated, errorType }: EmbeddingCall): void => {
    if (errorType !== undefined) return;
    const counts = { inputTokens, outputTokens: 0, cachedTokens: 0, reasoningTokens: 0 };
    const price = this.#prices.priceOf(model, Date.now());
    this.#pending.push({
      ...counts,
      ...{ isEstimated, model, kind: 'embedding', workId: this.#workId },
      ...{ number: this.#pending.length, userId: this.#userId, keyId: this.#keyId },
      conversationId: null,
      nanodollars: price ? costOf(price, counts) : null,
    });
  };

  /** The entries that no batch has stored yet. */
  get pending(): readonly LedgerEntry[] {
    return this.#pending;
  }

  /** Forgets the entries: a batch has stored them. */
  stored(): void {
    this.#pending = [];
    this.#workId = newId();
  }
}
