/** How far a copy is. */
export interface Progress {
  /** Of the version, also those that did not have to be sent. */
  bytes: number;
  /** 0 to 1. */
  part: number;
  /** Undefined as long as nobody can tell. */
  secondsLeft: number | undefined;
}

/** A listener for the output of `rsync --info=progress2 --outbuf=L`, which comes in pieces of any length. */
export function followRsync(onProgress: (progress: Progress) => void): (part: Buffer) => void {
  let rest = '';
  return (part) => {
    const lines = (rest + part.toString('latin1')).split(/[\r\n]/);
    rest = lines.pop()!.slice(-200);
    const last = lines.findLast((line) => parseProgress(line));
    if (last !== undefined) onProgress(parseProgress(last)!);
  };
}

/** `     1,234,567  45%  110.11MB/s    0:00:02 (xfr#1, to-chk=0/4)` */
function parseProgress(line: string): Progress | undefined {
  const [, bytes, percent, time, ends] =
    /^\s*([\d,.]+)\s+(\d+)%\s+\S+\s+([\d:]+|\?\?:\?\?:\?\?)(\s+\(xfr)?/.exec(line) ?? [];
  if (bytes === undefined) return undefined;
  const [hours, minutes, seconds] = time!.split(':').map(Number);
  // Once a file is done, the time is how long it took.
  const known = ends === undefined && Number.isFinite(seconds);
  return {
    bytes: Number(bytes.replace(/[,.]/g, '')),
    part: Number(percent) / 100,
    secondsLeft: known ? hours! * 3600 + minutes! * 60 + seconds! : undefined,
  };
}
