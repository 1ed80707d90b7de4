/** Tells the operator what went wrong; never shown to a client. */
export type Report = (what: string, error: unknown) => void;
