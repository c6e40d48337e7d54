/** Apart from what renders them, so that a command can name them without loading that. */
export const SHEET_FORMATS = ['csv', 'text', 'pdf'] as const;
export type SheetFormat = (typeof SHEET_FORMATS)[number];

/** The format that a file's name asks for; text, when it asks for none. */
export function formatOf(file: string): SheetFormat {
  const ending = /\.([a-z]+)$/i.exec(file)?.[1]?.toLowerCase();
  return ending === 'csv' || ending === 'pdf' ? ending : 'text';
}

/** What a slip says where UDB has only the hash. */
export const NOT_KNOWN = '(not known)';
