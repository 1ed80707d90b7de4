/** Tells the operator about an error; clients never see it. */
export type Report = (what: string, error: unknown) => void;
