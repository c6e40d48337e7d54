import type * as Ink from 'ink';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { displayWidth, printable } from '../../cli/table.ts';
import { foldWithin } from '../confirm-machines.ts';
import { countsOf, type Entry } from './entries.ts';
import { keysOf } from '../../cli/keys.ts';
import { visiblePart } from '../../cli/line.ts';
import type { PromptState } from './state.ts';
import type { PromptStore } from './store.ts';

/** The prompt on a terminal. Ink can only be loaded with import(), so that it is handed in. */
export function createView({ Box, Static, Text, useApp, useCursor, useInput, useStdout }: typeof Ink) {
  function Said({ entry }: { entry: Entry }) {
    if (entry.is === 'title' || entry.is === 'command') return <Text bold>{entry.text}</Text>;
    if (entry.is === 'trouble') return <Text color="red">{printable(entry.text)}</Text>;
    if (entry.is === 'note') return <Text dimColor>{printable(entry.text)}</Text>;
    return <Text>{entry.text}</Text>;
  }

  /** How the machines are, and how far a command is. */
  function Status({ state }: { state: PromptState }) {
    const { running, machines, isAhead, isLeaving, recall } = state;
    const seconds = useSecondsSince(running?.startedMs);
    const parts = [
      countsOf(machines),
      ...(running
        ? [`${running.done} of ${running.total} done, ${seconds} s: ${printable(running.command)}`]
        : []),
      ...(recall.search === undefined ? [] : [`search: ${recall.search}`]),
      ...(isAhead ? ['the line below comes next'] : []),
      ...(isLeaving ? ['Ctrl-C once more leaves'] : []),
    ];
    return (
      <Text dimColor wrap="truncate">
        {parts.join(' · ')}
      </Text>
    );
  }

  /** The line that is typed; what is too long for it is scrolled sideways. */
  function Typed({ state, columns }: { state: PromptState; columns: number }) {
    const { setCursorPosition } = useCursor();
    const { hostnames, line, question } = state;
    const names = `${foldWithin(hostnames, Math.floor(columns / 2))} (${hostnames.length}) > `;
    const head = question === undefined ? names : `${question} [y/N] `;
    const room = Math.max(8, columns - displayWidth(head) - 1);
    const { before, on, after } = visiblePart(question === undefined ? line : { text: '', cursor: 0 }, room);
    setCursorPosition({ x: Math.min(displayWidth(head + before), columns - 1), y: 1 });
    return (
      <Text wrap="truncate">
        <Text bold>{head}</Text>
        {before + on + after}
      </Text>
    );
  }

  return function Prompt({ store }: { store: PromptStore }) {
    const state = useSyncExternalStore(store.subscribe, store.get);
    const columns = useColumns();
    const { exit } = useApp();
    useEffect(() => {
      // Ink draws once more when it exits: by then <Static> must know that its last entries are drawn.
      if (state.isOver) setTimeout(exit);
    }, [state.isOver, exit]);
    useInput((text, pressed) => {
      for (const key of keysOf(text, pressed)) store.dispatch({ event: 'key', key });
    });
    return (
      <>
        <Static items={[...state.entries]}>{(entry, i) => <Said key={i} entry={entry} />}</Static>
        {!state.isOver && (
          <Box flexDirection="column">
            <Status state={state} />
            <Typed state={state} columns={columns} />
          </Box>
        )}
      </>
    );
  };

  function useColumns(): number {
    const { stdout } = useStdout();
    const [columns, setColumns] = useState(stdout.columns || 80);
    useEffect(() => {
      const onResize = (): void => setColumns(stdout.columns || 80);
      stdout.on('resize', onResize);
      return () => void stdout.off('resize', onResize);
    }, [stdout]);
    return columns;
  }

  function useSecondsSince(startedMs: number | undefined): number {
    const [nowMs, setNowMs] = useState(Date.now());
    useEffect(() => {
      if (startedMs === undefined) return;
      setNowMs(Date.now());
      const timer = setInterval(() => setNowMs(Date.now()), 1000);
      return () => clearInterval(timer);
    }, [startedMs]);
    return startedMs === undefined ? 0 : Math.max(0, Math.floor((nowMs - startedMs) / 1000));
  }
}
