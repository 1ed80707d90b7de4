/**
 * The tables. Times are milliseconds since the epoch by the database's clock; ids are UUIDv7 text.
 */
export * from './schema/conversations.ts';
export * from './schema/documents.ts';
export * from './schema/usage.ts';
export * from './schema/tools.ts';
export * from './schema/credentials.ts';
export * from './schema/files.ts';
export * from './schema/users.ts';
