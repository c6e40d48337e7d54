import { Type } from 'typebox';
import { argv, checks, strict, text } from './shared.ts';

export const Dns = Type.Object(
  {
    forwarders: Type.Array(Type.String({ format: 'prolo-ip' }), {
      description: 'name servers of the uplinks; two, so that one uplink may lose packets',
      default: [],
    }),
    ttlSeconds: Type.Integer({ minimum: 0, maximum: 604800, description: 'of every record', default: 60 }),
    dir: text('where named.conf and the zones are written, below the state folder or absolute', 'dns'),
    listen: Type.Array(Type.String({ format: 'prolo-ip' }), {
      description: "named's addresses; none: 127.0.0.1 and the gateway's in every network",
      default: [],
    }),
    port: Type.Integer({ minimum: 1, maximum: 65535, description: "named's port", default: 53 }),
    controlPort: Type.Integer({
      minimum: 1,
      maximum: 65535,
      description: "rndc's port on 127.0.0.1",
      default: 953,
    }),
    checks,
    checkzone: argv(
      'what checks a zone, as strictly as named reads it; the zone name and the file are added',
      ['named-checkzone', '-k', 'fail'],
    ),
    checkconf: argv('what checks named.conf; the file is added', ['named-checkconf']),
    reload: argv('what makes named read changed zones; {dir} is the folder above, {port} the control port', [
      'rndc',
      '-c',
      '{dir}/rndc.conf',
      'reload',
    ]),
  },
  { ...strict, default: {} },
);
