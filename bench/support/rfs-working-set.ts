/** What one boot fetches from its file server. */
export interface WorkingSet {
  /** Kernel and initramfs, over HTTP. */
  bootBytes: number;
  /** NFS READs of the image and of its hash tree, and what they bring. */
  reads: number;
  readBytes: number;
}

/** As it was measured last, with the profile `base`; for a figure that is measured without that of a boot before it. */
let known: WorkingSet = { bootBytes: 30e6, reads: 900, readBytes: 60e6 };

export function rememberWorkingSet(measured: WorkingSet): void {
  known = measured;
}

export const workingSet = (): WorkingSet => known;
