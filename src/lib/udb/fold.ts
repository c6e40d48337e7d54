/** Letters that Unicode does not take apart into an ASCII letter and a mark, and the two alphabets closest to ours. */
const LETTERS: Record<string, string> = {
  ...{ ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ı: 'i', ħ: 'h', ŧ: 't', ŋ: 'n' },
  ...{ ĸ: 'k', ə: 'e', ɛ: 'e', ɔ: 'o', ɖ: 'd', ɗ: 'd', ɓ: 'b', ƙ: 'k', ƴ: 'y', ŀ: 'l', ŉ: 'n', ƒ: 'f' },
  ...{ α: 'a', β: 'v', γ: 'g', δ: 'd', ε: 'e', ζ: 'z', η: 'i', θ: 'th', ι: 'i', κ: 'k', λ: 'l', μ: 'm' },
  ...{
    ν: 'n',
    ξ: 'x',
    ο: 'o',
    π: 'p',
    ρ: 'r',
    σ: 's',
    ς: 's',
    τ: 't',
    υ: 'y',
    φ: 'f',
    χ: 'ch',
    ψ: 'ps',
    ω: 'o',
  },
  ...{
    а: 'a',
    б: 'b',
    в: 'v',
    г: 'g',
    д: 'd',
    е: 'e',
    ж: 'zh',
    з: 'z',
    и: 'i',
    й: 'y',
    к: 'k',
    л: 'l',
    м: 'm',
  },
  ...{ н: 'n', о: 'o', п: 'p', р: 'r', с: 's', т: 't', у: 'u', ф: 'f', х: 'kh', ц: 'ts', ч: 'ch', ш: 'sh' },
  ...{ щ: 'shch', ъ: '', ы: 'y', ь: '', э: 'e', ю: 'yu', я: 'ya', ё: 'yo', є: 'ye', і: 'i', ї: 'yi', ґ: 'g' },
  ...{
    ў: 'u',
    ђ: 'dj',
    ј: 'j',
    љ: 'lj',
    њ: 'nj',
    ћ: 'c',
    џ: 'dz',
    ѓ: 'gj',
    ќ: 'kj',
    ѕ: 'dz',
    қ: 'k',
    ң: 'n',
  },
  ...{
    ғ: 'g',
    ү: 'u',
    ұ: 'u',
    һ: 'h',
    ө: 'o',
    ә: 'a',
    '\u2018': "'",
    '\u2019': "'",
    '\u2010': '-',
    '\u2011': '-',
    '\u2013': '-',
    '\u2014': '-',
  },
};

/** One letter in ASCII, keeping its case; '' for one of a script that is not known here. */
function foldLetter(letter: string): string {
  if (letter <= '\u007f') return letter;
  const lower = letter.toLowerCase();
  const known = LETTERS[lower];
  if (known !== undefined) return lower === letter ? known : known.charAt(0).toUpperCase() + known.slice(1);
  const parts = letter.normalize('NFKD').replace(/\p{M}/gu, '');
  return parts === letter ? '' : [...parts].map(foldLetter).join('');
}

/** A text in ASCII: accents dropped (`é` e, `ø` o, `ß` ss), Greek and Cyrillic transliterated, other scripts left out. */
export function foldAscii(text: string): string {
  const plain = text.normalize('NFC').replace(/([οΟ])[υύΥΎ]/g, '$1u'); // Greek's one sound of two letters
  return [...plain].map(foldLetter).join('');
}
