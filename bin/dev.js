#!/usr/bin/env node
// The sources as they are now: bundles them (a second), then runs like run.js.
await import('../scripts/build.js');
await import('./run.js');
