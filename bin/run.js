#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { load } from './load.js';

const { run } = load(fileURLToPath(new URL('../dist/main.cjs', import.meta.url)));
await run(import.meta.url);
