#!/usr/bin/env -S node --import=tsx
// The same program from the sources, without a build; slow to start.
import { run } from '../src/main.ts';

await run(import.meta.url);
