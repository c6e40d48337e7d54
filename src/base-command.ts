import { Command, Errors, Flags, type Interfaces } from '@oclif/core';
import { currentActor } from './lib/cli/actor.ts';
import { fileTrouble } from './lib/cli/file-trouble.ts';
import { printable } from './lib/cli/table.ts';
import { isWrongWords, wrongWords } from './lib/cli/wrong-words.ts';
import { asProloError, ProloError } from './lib/errors.ts';
import type { Site } from './lib/site/site.ts';
import type { Store } from './lib/store/store.ts';

/** The one place where oclif, the site's config, `--json` and errors meet. */
export abstract class BaseCommand<T extends typeof Command = typeof Command> extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = {
    config: Flags.string({
      char: 'c',
      description: "the site's prolo.yml",
      helpValue: 'FILE',
      helpGroup: 'GLOBAL',
      env: 'PROLO_CONFIG',
    }),
  };

  protected flags!: Interfaces.InferredFlags<(typeof BaseCommand)['baseFlags'] & T['flags']>;
  /** Every word that is no flag, in order; for commands that take any number. */
  protected words: string[] = [];
  protected args!: Interfaces.InferredArgs<T['args']>;
  #site: Site | undefined;
  #store: Promise<Store> | undefined;

  override async init(): Promise<void> {
    await super.init();
    const { args, flags, argv } = await this.parse({
      flags: this.ctor.flags,
      baseFlags: (super.ctor as typeof BaseCommand).baseFlags,
      enableJsonFlag: this.ctor.enableJsonFlag,
      args: notFromStdin(this.ctor.args),
      strict: this.ctor.strict,
    }).catch(refuseWords);
    this.flags = flags as typeof this.flags;
    this.args = args as typeof this.args;
    this.words = argv as string[];
  }

  /** The site this command works on. @throws ProloError `config` */
  protected async site(): Promise<Site> {
    if (this.#site) return this.#site;
    const { findConfig, loadSite } = await import('./lib/site/site.ts');
    return (this.#site = loadSite(findConfig(this.flags.config, process.env, process.cwd())));
  }

  /** The gateway's database, closed when the command ends. After a failure it is tried anew. */
  protected store(): Promise<Store> {
    return (this.#store ??= this.#openStore().catch((error: unknown) => {
      this.#store = undefined;
      throw error;
    }));
  }

  async #openStore(): Promise<Store> {
    const [{ databaseUrl }, { openStore }] = await Promise.all([
      import('./lib/site/site.ts'),
      import('./lib/store/store.ts'),
    ]);
    return openStore(databaseUrl(await this.site()));
  }

  /** Who runs this, for the change log: `root@gw`, the person behind sudo where there is one. */
  protected get actor(): string {
    return currentActor();
  }

  /** What is not the command's result: progress, warnings. Never on standard output, silent with --json. */
  protected note(text: string): void {
    if (!this.jsonEnabled()) this.logToStderr(text);
  }

  protected override async catch(
    error: Error & { exitCode?: number; oclif?: { exit?: number } },
  ): Promise<unknown> {
    if (
      !isWrongWords(error) &&
      (error.oclif?.exit !== undefined ||
        error instanceof Errors.ExitError ||
        (error as NodeJS.ErrnoException).code === 'EEXIT')
    ) {
      if (this.jsonEnabled()) process.exitCode = error.oclif?.exit;
      return super.catch(error);
    }
    const known = this.#asShown(error);
    const shown = Object.assign(known, { exitCode: known.exitStatus, oclif: { exit: known.exitStatus } });
    process.exitCode = known.exitStatus;
    if (this.jsonEnabled()) {
      this.logJson(this.toErrorJson(shown));
    } else {
      this.logToStderr(`prolo: ${plain(known.message)}`);
      if (known.hint) this.logToStderr(`       ${plain(known.hint)}`);
      if (known.kind === 'failed' && process.env.DEBUG) this.logToStderr(known.stack ?? '');
    }
    return undefined;
  }

  /** An error as people and programs see it. What oclif finds wrong is the caller's words: one line, no page of help. */
  #asShown(error: unknown): ProloError {
    if (error instanceof ProloError) return error;
    if (isWrongWords(error))
      return wrongWords(error, this.id?.replaceAll(':', ' ') ?? '', Object.keys(this.ctor.flags ?? {}));
    return fileTrouble(error) ?? asProloError(error);
  }

  protected override toErrorJson(error: unknown): unknown {
    const known = this.#asShown(error);
    return {
      error: {
        kind: known.kind,
        message: known.message,
        ...(known.hint ? { hint: known.hint } : {}),
        exitStatus: known.exitStatus,
      },
    };
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    await (await this.#store?.catch(() => undefined))?.close();
    await super.finally(error);
  }
}

/** A text of several lines that cannot move the cursor, whatever name or file it quotes. */
function plain(text: string): string {
  return text
    .split('\n')
    .map((line) => line && printable(line))
    .join('\n');
}

/** Of an argument that is no number oclif says so without its exit status. @throws what is wrong with the command line */
function refuseWords(error: unknown): never {
  if (error instanceof ProloError || (error as { oclif?: object }).oclif) throw error;
  throw new ProloError('bad-input', (error as Error).message, { hint: 'see --help', cause: error });
}

/** In place of an argument that is left out, oclif reads standard input: it would eat the lines of a shell's loop. */
function notFromStdin(args: Interfaces.ArgInput): Interfaces.ArgInput {
  return Object.fromEntries(Object.entries(args).map(([name, arg]) => [name, { ...arg, ignoreStdin: true }]));
}
