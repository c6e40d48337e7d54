import { ProloError } from '../errors.ts';
import { foldAscii } from './fold.ts';
import type { PrivateUser } from './record.ts';
import { NOT_KNOWN } from './sheet-formats.ts';

// Points; A4 is 595 × 842.
const MARGIN = 36;
const COLUMNS = 2;
const ROWS = 8;
const WIDTH = (595.28 - 2 * MARGIN) / COLUMNS;
const HEIGHT = (841.89 - 2 * MARGIN) / ROWS;
const PADDING = 12;
const LABEL_WIDTH = 56;
const MONOSPACE = 'Courier-Bold'; // where 1, l and I, 0 and O are told apart; a character is 0.6 em wide

/** The characters that a PDF's built-in fonts have (WinAnsi): ASCII, Latin-1, and these. */
const WIN_ANSI_MORE = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ';

function hasGlyph(character: string): boolean {
  return /^[ -~\u00a0-\u00ff]$/.test(character) || WIN_ANSI_MORE.includes(character);
}

/** A name in the characters of the built-in fonts: accents of western Europe stay, the rest is folded. */
export function printableName(text: string): string {
  const letters = [...text.normalize('NFC')].map((letter) => (hasGlyph(letter) ? letter : foldAscii(letter)));
  return letters.join('').replace(/ +/g, ' ').trim();
}

/**
 * Slips to print and cut: A4, two columns, eight rows, dashed lines to cut along, login and password in Courier.
 * @throws ProloError `bad-input` for a password that the fonts cannot show as it is
 */
export async function renderPdfSheet(site: string, users: readonly PrivateUser[]): Promise<Buffer> {
  refuseUnprintable(users);
  const { default: PDFDocument } = await import('pdfkit');
  const pdf = new PDFDocument({
    size: 'A4',
    margin: 0,
    autoFirstPage: false,
    info: { Title: `${site}: logins and passwords`, Creator: 'prolo' },
  });
  const done = new Promise<Buffer>((resolve, reject) => {
    const parts: Buffer[] = [];
    pdf.on('data', (part: Buffer) => parts.push(part));
    pdf.on('end', () => resolve(Buffer.concat(parts)));
    pdf.on('error', reject);
  });
  for (const [i, user] of users.entries()) {
    const place = i % (COLUMNS * ROWS);
    if (place === 0) drawCutMarks(pdf.addPage());
    const x = MARGIN + (place % COLUMNS) * WIDTH + PADDING;
    const y = MARGIN + Math.floor(place / COLUMNS) * HEIGHT + PADDING;
    drawSlip(pdf, x, y, site, user);
  }
  pdf.end();
  return done;
}

function refuseUnprintable(users: readonly PrivateUser[]): void {
  const bad = users.filter(({ password }) => [...(password ?? '')].some((character) => !hasGlyph(character)));
  if (bad.length > 0)
    throw new ProloError(
      'bad-input',
      `password sheet: the fonts of a PDF lack characters of the password of ${bad.map(({ login }) => login).join(', ')}`,
      { hint: 'print these with --format text or csv, or give them another with `prolo udb password --new`' },
    );
}

function drawCutMarks(pdf: PDFKit.PDFDocument): void {
  pdf.save().lineWidth(0.5).strokeColor('#999999').dash(3, { space: 3 });
  const [right, bottom] = [MARGIN + COLUMNS * WIDTH, MARGIN + ROWS * HEIGHT];
  for (let row = 0; row <= ROWS; row++) {
    const y = MARGIN + row * HEIGHT;
    pdf.moveTo(MARGIN, y).lineTo(right, y).stroke();
  }
  for (let column = 0; column <= COLUMNS; column++) {
    const x = MARGIN + column * WIDTH;
    pdf.moveTo(x, MARGIN).lineTo(x, bottom).stroke();
  }
  pdf.restore();
}

function drawSlip(pdf: PDFKit.PDFDocument, x: number, y: number, site: string, user: PrivateUser): void {
  const width = WIDTH - 2 * PADDING;
  drawName(pdf, x, y, width, printableName(`${user.firstname} ${user.lastname}`) || user.login);
  pdf.font('Helvetica').fontSize(7).fillColor('#666666');
  pdf.text(`${site}, ${user.group}`, x, y + 15, { lineBreak: false });
  drawField(pdf, x, y + 30, 'login', user.login);
  drawField(pdf, x, y + 50, 'password', user.password ?? NOT_KNOWN);
}

/** On one line: smaller when it is long, and cut when it would get too small to read. */
function drawName(pdf: PDFKit.PDFDocument, x: number, y: number, width: number, name: string): void {
  pdf.font('Helvetica-Bold').fontSize(11);
  pdf.fontSize(Math.max(6, Math.min(11, (11 * width) / pdf.widthOfString(name))));
  let shown = name;
  while (pdf.widthOfString(shown) > width) shown = `${shown.slice(0, -2)}…`;
  pdf.fillColor('black').text(shown, x, y, { lineBreak: false });
}

/** A label and a value: as large as it fits, over several lines when it would get too small to read. */
function drawField(pdf: PDFKit.PDFDocument, x: number, y: number, label: string, value: string): void {
  pdf
    .font('Helvetica')
    .fontSize(8)
    .fillColor('#666666')
    .text(label, x, y + 3, { lineBreak: false });
  const width = WIDTH - 2 * PADDING - LABEL_WIDTH;
  const size = Math.max(7, Math.min(13, width / (0.6 * value.length)));
  const perLine = Math.floor(width / (0.6 * size) + 1e-9);
  pdf.font(MONOSPACE).fontSize(size).fillColor('black');
  for (let at = 0, line = 0; at < value.length; at += perLine, line++)
    pdf.text(value.slice(at, at + perLine), x + LABEL_WIDTH, y + line * size * 1.15, { lineBreak: false });
}
