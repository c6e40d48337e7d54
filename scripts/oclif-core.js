// What our commands and the plugins' use of @oclif/core, in place of its index, which loads all of it at every start.
// Another name is added here when the build misses it.
export * as Args from '@oclif/core/args';
export { Command } from '@oclif/core/command';
export * as Errors from '@oclif/core/errors';
export { execute } from '@oclif/core/execute';
export * as Flags from '@oclif/core/flags';
export { loadHelpClass } from '@oclif/core/help';
export { ux } from '@oclif/core/ux';
