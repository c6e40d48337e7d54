import { Type } from 'typebox';
import { strict, text } from './shared.ts';

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
  },
  { ...strict, default: {} },
);
