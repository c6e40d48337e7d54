import { connect } from 'node:net';
import { mkdirSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { changeMachines } from '../../src/lib/mdb/machines.ts';
import { setSetting } from '../../src/lib/mdb/settings.ts';
import { servicePort } from '../../src/lib/site/site.ts';
import { startDaemonProcess } from './processes.ts';
import { makeTestSite } from './site.ts';

/**
 * Sends requests that nobody would to netboot, in a process of its own, with machines and a kernel behind it.
 * @returns how often each status came; `none` where the connection ended without one
 * @throws what fast-check found: a daemon that ended, was silent, failed, or answered iPXE with what is no script
 */
export async function fuzzNetboot(requests: number): Promise<Record<string, number>> {
  const test = await makeTestSite({ netboot: { registrationsPerMinute: 1_000_000 } });
  const { site } = test;
  const store = await test.store();
  await setSetting(store, 'fuzz', 'allow_self_registration', 'true');
  const wishes = Array.from({ length: 20 }, (_, n) => ({
    input: { hostname: `m${n}`, mac: `02:00:00:00:01:${10 + n}`, aliases: [`rfs${n}`], is_faulty: n === 3 },
  }));
  await changeMachines(store, site.config, 'fuzz', () => ({ wishes }));
  const files = site.statePath(site.config.netboot.filesDir);
  mkdirSync(files, { recursive: true });
  writeFileSync(`${files}/vmlinuz`, 'kernel');
  const daemon = await startDaemonProcess(site.file, 'netboot');
  const port = servicePort(site.config, 'netboot');
  const statuses: Record<string, number> = {};
  let sent = 0;
  try {
    const property = fc.asyncProperty(anyRequest, async ({ method, path, headers, body }) => {
      const answer = await exchange(port, `${method} ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`);
      const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 'none';
      statuses[status] = (statuses[status] ?? 0) + 1;
      expect(status, answer).to.not.match(/^5/);
      if (method === 'GET' && status === '200' && /^\/(boot\/|bootstrap$|register)/.test(path))
        expect(answer, path).to.include('\r\n\r\n#!ipxe\n');
      expect(daemon.child.exitCode ?? daemon.child.signalCode, 'the daemon goes on').to.equal(null);
      if (++sent % 50 === 0) await expectPong(port);
    });
    await fc.assert(property, { numRuns: requests, endOnFailure: true });
    await expectPong(port);
    return statuses;
  } finally {
    await daemon.kill();
    await test.remove();
  }
}

const ODD = ['%ff', '%00', '%2e%2e%2f', '..', '//', '%0a#!ipxe', '${net0/mac}', '%E2%80%AE', '__proto__', 'é', ';', '||']; // prettier-ignore
const MACS = ['02:00:00:00:01:10', '02-00-00-00-01-13', '020000000111', '02%3A00%3A00%3A00%3A01%3A12', '52:54:00:99:99:99', 'ff:ff:ff:ff:ff:ff']; // prettier-ignore
const word = fc.oneof(
  fc.constantFrom(...ODD, ...MACS, '0', '-1', '99999', 'user', 'pasteur', 'gw', 'new1', ''),
  fc.string({ maxLength: 12 }).map(encodeURIComponentSafely),
  fc.stringMatching(/^[!-~]{1,20}$/),
);
const query = fc
  .array(
    fc.tuple(
      fc.constantFrom('hostname', 'mac', 'rfs', 'hfs', 'room', 'mtype', 'menu', 'stage', 'follow', 'x'),
      word,
    ),
  )
  .map((pairs) => (pairs.length > 0 ? `?${pairs.map(([key, value]) => `${key}=${value}`).join('&')}` : ''));
const path = fc.oneof(
  fc.tuple(fc.constantFrom('/boot/', '/boot', '/up/', '/files/', '/files/vmlinuz', '/register', '/bootstrap', '/switches', '/'), word, fc.constantFrom('', '/'), query).map((parts) => parts.join('')), // prettier-ignore
  fc.tuple(fc.constant('/register'), query).map((parts) => parts.join('')),
  fc.constantFrom('/bootstrap', '/stages', '/metrics', '*', `/boot/${'a'.repeat(9000)}/`, '/boot/%', '/files/%2e%2e/%2e%2e/secrets.yml'), // prettier-ignore
);
const anyRequest = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'get', 'OPTIONS'),
  path: path.map((text) => text.replace(/\s/g, '')),
  headers: fc.constantFrom('', 'Range: bytes=0-2\r\n', 'Range: bytes=9-1,-0\r\n', 'X-Real-IP: 192.168.250.7\r\n', 'X-Real-IP: x\r\n', 'Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'If-None-Match: "\r\n'), // prettier-ignore
  body: fc.constantFrom('', 'abc', '3\r\nabc\r\n0\r\n\r\n', 'zz'),
});

function encodeURIComponentSafely(text: string): string {
  return encodeURIComponent(text.replace(/[\ud800-\udfff]/g, ''));
}

/** Sends bytes, and returns what came back within half a second of the last of it (`/stages?follow=1` never ends). */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    socket.setTimeout(500, () => socket.destroy());
    socket.on('data', (part) => (answer += part.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}

async function expectPong(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/__ping`, { signal: AbortSignal.timeout(5_000) });
  expect(await response.text()).to.equal('pong');
}
