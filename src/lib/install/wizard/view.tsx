import type * as Ink from 'ink';
import { useEffect, useState } from 'react';
import { keysOf } from '../../cli/keys.ts';
import { visiblePart } from '../../cli/line.ts';
import { nextState, suggestionOf, type WizardState } from './state.ts';

/** The wizard on a terminal of 80 columns by 24 lines or more. Ink can only be loaded with import(), so that it is handed in. */
export function createView({ Box, Text, useApp, useInput }: typeof Ink) {
  function Answered({ state }: { state: WizardState }) {
    return (
      <Box flexDirection="column">
        {state.asked.map(({ key, text }) => (
          <Text key={key} wrap="truncate">
            <Text dimColor>{text}: </Text>
            {state.answers[key]}
          </Text>
        ))}
      </Box>
    );
  }

  function Asked({ state }: { state: WizardState }) {
    const { question, facts, line, wrong } = state;
    if (!question) return null;
    const { before, on, after } = visiblePart(line, 60);
    const help = question.help?.(facts);
    const suggestion = suggestionOf(state);
    return (
      <Box flexDirection="column" marginTop={1}>
        <Text bold>{question.text}</Text>
        {help !== undefined && <Text dimColor>{help}</Text>}
        <Text wrap="truncate">
          {suggestion && <Text dimColor>[{suggestion}] </Text>}
          {'> '}
          {before}
          <Text inverse>{on}</Text>
          {after}
        </Text>
        {wrong !== undefined && <Text color="red">{wrong}</Text>}
        <Text dimColor>
          Enter takes what is in brackets · up: the question before · Ctrl-C leaves, nothing is done
        </Text>
      </Box>
    );
  }

  return function Wizard({ first, onEnd }: { first: WizardState; onEnd: (state: WizardState) => void }) {
    const [state, setState] = useState(first);
    const { exit } = useApp();
    const isOver = !state.question || state.isLeft;
    useInput((text, pressed) => {
      const keys = keysOf(text, pressed);
      setState((now) => keys.reduce((at, key) => (at.isLeft ? at : nextState(at, key)), now));
    });
    useEffect(() => {
      if (!isOver) return;
      onEnd(state);
      setTimeout(exit);
    }, [isOver]);
    return (
      <Box flexDirection="column">
        <Text bold>prolo: this machine becomes a server of a site</Text>
        <Answered state={state} />
        {!isOver && <Asked state={state} />}
      </Box>
    );
  };
}
