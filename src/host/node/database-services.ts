/** Builds what belongs to one database on Node: its turns, its sockets, and what tidies it up. */
import type { ActionDependencies } from '../../actions/context.ts';
import { resumeErasures } from '../../actions/erase-user.ts';
import { forgetLeftBehind } from '../../actions/forget-left-behind.ts';
import type { FileToExamine } from '../../documents/examine-file.ts';
import type { TenantServices } from '../../routes/shared/dependencies.ts';
import { createRetriever } from '../../search/retrieve.ts';
import type { Database } from '../../store/database.ts';
import { LocalTurnService } from '../../turns/local-turn-service.ts';
import type { ToolRegistry } from '../../turns/tools/tool.ts';
import { newHash } from '../hash.ts';
import { turnServiceSettingsOf } from '../services.ts';
import { createOpenUrl } from './open-url.ts';
import type { DocumentThreads } from './threads/document-threads.ts';
import { NodeSockets } from './websockets.ts';

/** The services that all databases of a process share. */
export type SharedServices = Omit<
  ActionDependencies,
  'db' | 'turns' | 'searcher' | 'ingester' | 'files'
> & {
  documents: DocumentThreads;
  toolRegistry: ToolRegistry;
};

/** The databases that a process serves, as its shutdown sees them. */
export interface Served {
  /** Refuses new turns, and resolves when the running ones are stored. */
  drain(graceMs: number): Promise<void>;
  closeSockets(): Promise<void>;
  /** Resolves when all that was committed is safe from a power cut. */
  close(): Promise<void>;
}

export class DatabaseServices implements Served {
  readonly dependencies: ActionDependencies;
  /** The services that a request takes. */
  readonly own: TenantServices;
  readonly turns: LocalTurnService;
  readonly sockets: NodeSockets;

  #tidying: ReturnType<typeof setInterval> | undefined;

  constructor({ documents, toolRegistry, ...shared }: SharedServices, db: Database) {
    this.turns = new LocalTurnService({
      ...shared,
      db,
      settings: turnServiceSettingsOf(shared.config),
      retriever: createRetriever(documents, shared.embeddings),
      toolRegistry,
      coalesce: setImmediate,
    });
    const files = {
      newHash,
      openUrl: createOpenUrl(),
      examine: (file: FileToExamine) => documents.examine(file),
    };
    const { turns } = this;
    const own = { db, searcher: documents, ingester: documents, files, turns };
    this.dependencies = { ...shared, ...own };
    this.sockets = new NodeSockets(this.dependencies);
    this.own = { ...own, sockets: this.sockets };
  }

  /** True while no turn runs here and no socket is open. */
  get isIdle(): boolean {
    return !this.turns.isActive && !this.sockets.areOpen;
  }

  /**
   * Ends the turns of lost instances, and goes on with what lost processes had begun to delete.
   * @returns when that is done, or has failed, which is logged
   */
  async tidy(): Promise<void> {
    const swept = this.turns.sweep().catch(this.#toldOf);
    await Promise.all([swept, this.#resume()]);
  }

  /** Tidies up a database that was swept just now, and goes on until the turns are drained. */
  tidyRegularly(everyMs: number): void {
    void this.#resume();
    this.#tidying = setInterval(() => void this.tidy(), everyMs);
  }

  drain(graceMs: number): Promise<void> {
    clearInterval(this.#tidying);
    return this.turns.drain(graceMs);
  }

  closeSockets(): Promise<void> {
    return this.sockets.close();
  }

  async close(): Promise<void> {
    const { db } = this.dependencies;
    await db.flush();
    db.close();
  }

  #resume(): Promise<void> {
    const { dependencies } = this;
    const resumed = resumeErasures(dependencies)
      .then(() => forgetLeftBehind(dependencies.db))
      .catch(this.#toldOf);
    dependencies.defer(resumed);
    return resumed;
  }

  readonly #toldOf = (error: unknown) => this.dependencies.log.error('the sweep failed', { error });
}
