/** A line at the terminal that is written over as the copy goes on. */
export interface CopyProgress {
  /** Leaves no trace of it. */
  end(): void;
}

/** @param text of now; it has no control characters, and is cut at the terminal's width */
export function showProgress(
  text: () => string,
  terminal: NodeJS.WriteStream = process.stderr,
): CopyProgress {
  if (!terminal.isTTY) return { end: () => undefined };
  const show = (): void => void terminal.write(`\r${text().slice(0, (terminal.columns || 80) - 1)}\u001b[K`);
  const timer = setInterval(show, 250);
  return {
    end() {
      clearInterval(timer);
      terminal.write('\r\u001b[K');
    },
  };
}

/** A line of ours in place of that one, which comes again below it. */
export function overProgress(text: string, terminal: NodeJS.WriteStream = process.stderr): string {
  return terminal.isTTY ? `\r\u001b[K${text}` : text;
}
