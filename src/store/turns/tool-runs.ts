/** The runs of calls that a user has allowed, each at most once, and what is allowed for good. */
import { and, asc, eq } from 'drizzle-orm';
import type { Database } from '../database.ts';
import type { StoredOutput } from '../json-columns.ts';
import { batch, now, query, statement } from '../query.ts';
import { toolPermissions, toolRuns } from '../schema.ts';

export interface ToolRun {
  approvalId: string;
  /** The turn that runs it. */
  turnId: string;
  userId: string;
  conversationId: string;
}

export interface Permission {
  userId: string;
  tool: string;
}

/**
 * Takes the only run of an allowed call, and remembers what the user allowed for good; safe to
 * repeat.
 * @returns undefined when the run is this turn's; else the output of the earlier one, null when it
 *   is not known
 */
export async function claimToolRun(
  db: Database,
  run: ToolRun,
  permission: Permission | undefined,
): Promise<{ output: StoredOutput | null } | undefined> {
  const { approvalId, turnId } = run;
  const [, [stored]] = await batch(
    db,
    [
      query
        .insert(toolRuns)
        .values({ ...run, createdAt: now })
        .onConflictDoNothing(),
      query.select().from(toolRuns).where(eq(toolRuns.approvalId, approvalId)),
      permission ? [allow(permission)] : [],
    ],
    'write',
  );
  return stored?.turnId === turnId ? undefined : { output: stored?.output ?? null };
}

function allow({ userId, tool }: Permission) {
  const permission = { userId, tool, createdAt: now };
  return statement(query.insert(toolPermissions).values(permission).onConflictDoNothing());
}

/** Stores what an allowed call gave, for whoever answers the same question again. */
export async function storeToolRun(
  db: Database,
  { approvalId, turnId }: ToolRun,
  output: StoredOutput,
): Promise<void> {
  const isMine = and(eq(toolRuns.approvalId, approvalId), eq(toolRuns.turnId, turnId));
  await batch(db, [query.update(toolRuns).set({ output }).where(isMine)], 'write-unflushed');
}

function isFor({ userId, tool }: Permission) {
  return and(eq(toolPermissions.userId, userId), eq(toolPermissions.tool, tool));
}

/** Returns true when a user has allowed a tool for good. */
export async function isAllowed(db: Database, permission: Permission): Promise<boolean> {
  const select = query
    .select({ tool: toolPermissions.tool })
    .from(toolPermissions)
    .where(isFor(permission));
  const [found] = await batch(db, [select], 'read');
  return found.length > 0;
}

/** Returns the tools that a user has allowed for good, in the order of their names. */
export async function listPermissions(
  db: Database,
  userId: string,
): Promise<{ tool: string; createdAt: number }[]> {
  const select = query
    .select({ tool: toolPermissions.tool, createdAt: toolPermissions.createdAt })
    .from(toolPermissions)
    .where(eq(toolPermissions.userId, userId))
    .orderBy(asc(toolPermissions.tool));
  const [found] = await batch(db, [select], 'read');
  return found;
}

/** Takes a permission back, where there is one. */
export async function removePermission(db: Database, permission: Permission): Promise<void> {
  await batch(db, [query.delete(toolPermissions).where(isFor(permission))], 'write');
}
