/** Measures a ranked list of document ids against judgements (id → gain). */

export interface Quality {
  /** Normalised discounted cumulative gain at 10, gain 2^g − 1 (Burges et al., ICML 2005). */
  ndcg: number;
  recall: number;
  reciprocalRank: number;
}

function discounted(gains: number[]): number {
  return gains.slice(0, 10).reduce((sum, gain, at) => sum + (2 ** gain - 1) / Math.log2(at + 2), 0);
}

export function quality(ranked: string[], relevant: ReadonlyMap<string, number>): Quality {
  const ideal = discounted([...relevant.values()].sort((a, b) => b - a));
  const first = ranked.findIndex((id) => relevant.has(id));
  return {
    ndcg: discounted(ranked.map((id) => relevant.get(id) ?? 0)) / ideal,
    recall: ranked.slice(0, 100).filter((id) => relevant.has(id)).length / relevant.size,
    reciprocalRank: first < 0 ? 0 : 1 / (first + 1),
  };
}

export function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / (values.length || 1);
}

/** Returns half the width of the 95 % confidence interval of a mean, by the normal distribution. */
export function confidence(values: number[]): number {
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return (
    (1.96 * Math.sqrt(squares / Math.max(values.length - 1, 1))) / Math.sqrt(values.length || 1)
  );
}
