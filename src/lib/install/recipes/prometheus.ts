import { SERVICES, serviceUrl } from '../../site/site.ts';
import { renderTemplate } from '../../template.ts';
import type { RecipeMaker } from '../recipe.ts';
import { installedSite } from './installed-site.ts';

/** An HFS is one of several, and who they are MDB says. */
const SINGLE = SERVICES.filter((name) => name !== 'hfs');
const PROCESSES = '/etc/prometheus/prolo-processes.yml';
const RULES = '/etc/prometheus/prolo-rules.yml';

/** Asks every daemon of the site and every server how it is, and says what is not right. */
export const prometheus: RecipeMaker = ({ site: { config } }) => {
  const daemons = SINGLE.map((name) => ({ name, url: new URL(serviceUrl(config, name)) })).map(
    ({ name, url }) => ({
      name,
      target: `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`,
      path: `${url.pathname.replace(/\/$/, '')}/metrics`,
      scheme: url.protocol.replace(':', ''),
    }),
  );
  const targets = `${serviceUrl(config, 'mdb')}/targets`;
  return {
    name: 'prometheus',
    summary: 'figures of all servers and daemons, and what to be alarmed by',
    packages: ['prometheus'],
    files: [
      {
        path: '/etc/prometheus/prometheus.yml',
        text: renderTemplate('install/prometheus/prometheus.yml', { daemons, targets, rules: RULES }),
      },
      { path: RULES, text: renderTemplate('install/prometheus/rules.yml', {}) },
    ],
    checks: [{ argv: ['promtool', 'check', 'config', '/etc/prometheus/prometheus.yml'] }],
    units: ['prometheus.service'],
  };
};

/** The figures of a host, and those that daemons without a port leave in the state folder. */
export const nodeExporter: RecipeMaker = ({ site }) => ({
  name: 'node-exporter',
  summary: 'the figures of this host, for Prometheus',
  packages: ['prometheus-node-exporter'],
  files: [
    {
      path: '/etc/systemd/system/prometheus-node-exporter.service.d/prolo.conf',
      text: renderTemplate('install/prometheus/node-exporter.conf', {
        textfiles: installedSite(site).statePath(),
      }),
    },
  ],
  units: ['prometheus-node-exporter.service'],
});

/** The figures of each daemon as the kernel sees it; Arch has no package of it. */
export const processExporter: RecipeMaker = ({ distribution }) => ({
  name: 'process-exporter',
  summary: 'memory, time and files of each daemon, for Prometheus',
  ...(distribution === 'arch'
    ? {}
    : {
        packages: ['prometheus-process-exporter'],
        files: [
          { path: PROCESSES, text: renderTemplate('install/prometheus/processes.yml', {}) },
          {
            path: '/etc/systemd/system/prometheus-process-exporter.service.d/prolo.conf',
            text: renderTemplate('install/prometheus/process-exporter.conf', { file: PROCESSES }),
          },
        ],
        units: ['prometheus-process-exporter.service'],
      }),
});
