/** A piece of a name, and whether it is what was looked for. */
export interface Piece {
  text: string;
  found: boolean;
}

const WORD = /[\p{L}\p{N}]+/gu;

/** Without case and accents, sign by sign, so that places in the folded text are places in the text. */
function folded(text: string): string {
  return Array.from(text, (sign) => {
    const plain = sign.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
    return plain.length === sign.length ? plain : sign;
  }).join("");
}

/**
 * Parts a name into what matches the words looked for and the rest. A word matches from the first letter of a word of
 * the name; neighbours that both match are marked as one.
 */
export function marked(name: string, text: string): Piece[] {
  const wanted = folded(text).match(WORD) ?? [];
  const found: { from: number; to: number }[] = [];
  for (const word of folded(name).matchAll(WORD)) {
    const longest = wanted.filter((one) => word[0].startsWith(one)).sort((a, b) => b.length - a.length)[0];
    if (longest === undefined) continue;
    const last = found.at(-1);
    const to = word.index + longest.length;
    if (last && name.slice(last.to, word.index).trim() === "") last.to = to;
    else found.push({ from: word.index, to });
  }
  const pieces: Piece[] = [];
  let at = 0;
  for (const { from, to } of found) {
    if (from > at) pieces.push({ text: name.slice(at, from), found: false });
    pieces.push({ text: name.slice(from, to), found: true });
    at = to;
  }
  if (at < name.length || pieces.length === 0) pieces.push({ text: name.slice(at), found: false });
  return pieces;
}
