import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from './needs.ts';

export interface Nginx {
  stop(): Promise<void>;
}

/**
 * A real nginx with these files and a configuration that includes them.
 * @param files by their path below `dir`, which stands for /etc/nginx
 * @param http what its `http` block holds; it may include files by their path
 * @param port that answers once it runs, on 127.0.0.1
 */
export async function startNginx(
  dir: string,
  files: Record<string, string>,
  http: string,
  port: number,
): Promise<Nginx> {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${dir}/${kind};`,
  );
  const log = join(dir, 'error.log');
  writeFileSync(
    join(dir, 'nginx.conf'),
    `daemon off;\nuser root;\nworker_processes 1;\npid ${dir}/pid;\nerror_log ${log};\nevents {}\nhttp {\naccess_log off;\n${temporary.join('\n')}\n${http}\n}\n`,
  );
  const child = spawn(findProgram('nginx')!, ['-p', dir, '-e', log, '-c', join(dir, 'nginx.conf')], {
    stdio: 'ignore',
  });
  const gone = once(child, 'exit');
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries > 100 || child.exitCode !== null) {
      child.kill('SIGKILL');
      throw new Error(`nginx does not run:\n${readFileSync(log, 'utf8')}`);
    }
    await sleep(50);
  }
  return {
    async stop() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}

export interface Page {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** A page as the one who sits at `from` gets it. */
export function getPage(url: string, from: string, headers: Record<string, string> = {}): Promise<Page> {
  return new Promise((resolve, reject) => {
    request(url, { localAddress: from, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }));
    })
      .on('error', reject)
      .end();
  });
}
