import { formatSize } from '../size.ts';
import type { HomesList } from './operate.ts';

/** Cells of `prolo hfs list`; what a server that is silent would have said is left empty. */
export function listRows({ homes, servers }: HomesList): unknown[][] {
  const silent = new Set(servers.flatMap(({ hfs, error }) => (error === null ? [] : [hfs])));
  return homes.map((home) => {
    const { login, hfs, epoch, state, target, target_epoch, seat, size_bytes } = home;
    const find = (server: number | null, at: number | null) =>
      servers
        .find((one) => one.hfs === server)
        ?.served.find((image) => image.login === login && image.epoch === at);
    const there = find(target, target_epoch);
    const image = find(hfs, epoch);
    const done = there?.progress === undefined ? '' : ` ${Math.floor(there.progress * 100)} %`;
    const words =
      state === 'moving'
        ? `moving to ${target}${done}`
        : state === 'creating'
          ? 'not made yet'
          : silent.has(hfs)
            ? 'server is silent'
            : (image?.state ?? 'missing');
    return [
      login,
      hfs,
      image ? formatSize(image.used_bytes) : '',
      formatSize(size_bytes),
      words,
      seat?.hostname,
      there?.client ?? image?.client,
      image ? formatAge((there ?? image).age_seconds) : '',
    ];
  });
}

function formatAge(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
