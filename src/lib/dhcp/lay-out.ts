const WIDTH = 140;

/**
 * JSON for people and for error texts: what holds no object and fits a line is a line, so that a checker's line number
 * points at one machine, and a diff shows the machines that changed.
 */
export function layOut(value: unknown, indent = ''): string {
  const flat = JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return flat;
  const parts = Object.values(value) as unknown[];
  const nested = parts.some(
    (part) => typeof part === 'object' && part !== null && Object.keys(part).length > 0,
  );
  if (!nested && flat.length <= WIDTH) return spaced(value);
  const inner = `${indent}  `;
  const lines = Array.isArray(value)
    ? parts.map((part) => inner + layOut(part, inner))
    : Object.entries(value).map(([key, part]) => `${inner}${JSON.stringify(key)}: ${layOut(part, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${lines.join(',\n')}\n${indent}${close}${indent === '' ? '\n' : ''}`;
}

function spaced(value: object): string {
  if (Array.isArray(value)) return `[${value.map((part) => JSON.stringify(part)).join(', ')}]`;
  const parts = Object.entries(value).map(([key, part]) => `${JSON.stringify(key)}: ${JSON.stringify(part)}`);
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}
