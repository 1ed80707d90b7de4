/** The tables of credentials. */
import { sql } from 'drizzle-orm';
import { check, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { CREDENTIAL_KINDS } from '../../core/principal.ts';
import { json, parseScopes } from '../json-columns.ts';

/** Credentials that we gave out: API keys, and the sessions and tickets that were got for one. */
export const credentials = sqliteTable(
  'credentials',
  {
    /** Public: it is part of the credential's text. */
    id: text('id').primaryKey(),
    kind: text('kind', { enum: CREDENTIAL_KINDS }).notNull(),
    userId: text('user_id').notNull(),
    /** SHA-256 of the text, hexadecimal. The text itself is stored nowhere. */
    hash: text('hash').notNull(),
    name: text('name'),
    scopes: json(parseScopes)('scopes').notNull(),
    /** The credential that this one was got for: where that is revoked, so is this. */
    parentId: text('parent_id'),
    /** The turn that a ticket may read; `socket` when it opened one. Null before its use. */
    boundTo: text('bound_to'),
    createdAt: integer('created_at').notNull(),
    /** Of a ticket: until when it may be used first. */
    expiresAt: integer('expires_at'),
    revokedAt: integer('revoked_at'),
  },
  (table) => [
    index('credentials_by_user').on(table.userId, table.kind, table.createdAt),
    index('credentials_that_are_keys')
      .on(table.createdAt)
      .where(sql`"kind" = 'key'`),
    index('credentials_by_parent').on(table.parentId),
  ],
);

/** Never holds a row: inserting one refuses a batch whose caller is not confirmed. */
export const credentialRefusals = sqliteTable(
  'credential_refusals',
  { refused: integer('refused').notNull() },
  (table) => [check('refused_credential', sql`${table.refused} = 0`)],
);
