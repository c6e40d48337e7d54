import { createHook } from 'node:async_hooks';

let kept: object | undefined;

/**
 * Keeps one of Node's tick objects alive. V8 forgets the shape of objects when a full garbage collection finds none of
 * them, and `process.nextTick` gets slow for good once it has met the fifth shape of what it makes, all of them the same:
 * a tenth of what a busy server does (Node 20; a small program collects too seldom for it). Call it early.
 */
export function keepTickShape(): void {
  if (kept) return;
  const hook = createHook({
    init(_id, type, _trigger, resource) {
      if (type === 'TickObject') kept ??= resource;
    },
  }).enable();
  process.nextTick(() => undefined);
  hook.disable();
}
