/** How much of something may go on at once; logins are let in before background work. */
export interface Slots {
  /** Resolves with what gives the place back. */
  take(urgent: boolean): Promise<() => void>;
}

export function createSlots(count: number): Slots {
  let free = count;
  const urgent: (() => void)[] = [];
  const patient: (() => void)[] = [];
  const giveBack = (): (() => void) => {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const next = urgent.shift() ?? patient.shift();
      if (next) next();
      else free++;
    };
  };
  return {
    async take(isUrgent) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => (isUrgent ? urgent : patient).push(resolve));
      return giveBack();
    },
  };
}
