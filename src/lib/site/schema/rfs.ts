import { Type } from 'typebox';
import { label, strict, text } from './shared.ts';

export const Rfs = Type.Object(
  {
    staging: text(
      'the root filesystem as a tree that people change, on the gateway; beside prolo.yml or absolute',
      '/srv/prolo/staging',
    ),
    dir: text(
      'versions, a folder each: on the gateway, and on every RFS, which exports it; beside prolo.yml or absolute',
      '/export/rfs',
    ),
    compression: Type.Enum(['zstd', 'lz4', 'xz', 'gzip'], { description: 'of images', default: 'zstd' }),
    blockBytes: Type.Integer({
      minimum: 4096,
      maximum: 1048576,
      description: 'of an image, compressed together',
      default: 131072,
    }),
    distribution: Type.Enum(['debian', 'arch'], {
      description: 'what `prolo rfs init` makes staging of',
      default: 'debian',
    }),
    suite: text('the release of Debian', 'bookworm'),
    mirror: Type.Optional(
      Type.String({
        format: 'prolo-url',
        description: 'where packages come from; none: where those of the gateway come from',
      }),
    ),
    profiles: Type.Array(Type.String({ pattern: label }), {
      description:
        'lists of packages: base, desktop, extra, or the site’s own, rfs/NAME.txt beside prolo.yml; base is always in',
      default: ['base', 'desktop', 'extra'],
    }),
    packages: Type.Array(Type.String({ minLength: 1 }), {
      description: 'packages beside those of the profiles',
      default: [],
    }),
    keep: Type.Integer({
      minimum: 1,
      description: 'versions that `prolo rfs prune` keeps, counted from the newest',
      default: 5,
    }),
  },
  { ...strict, default: {} },
);
